using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>
/// Adafactor's mean squares, https://arxiv.org/abs/1804.04235: of a matrix the means of its rows and of its columns, of a vector all. fp32.
/// </summary>
internal sealed class FactoredState : IDisposable
{
    private readonly Dictionary<string, Tensor> _stored = [];
    private readonly Device _device;

    /// <param name="row">Name of the rows' means in a checkpoint, before a parameter's.</param>
    /// <param name="column">Of the columns'.</param>
    /// <param name="whole">Of a vector's mean squares.</param>
    /// <param name="mean">Of a running mean of updates, which every parameter has; null: none.</param>
    /// <param name="device">Where it lies between steps.</param>
    public FactoredState(ParameterSet parameters, string row, string column, string whole, string? mean, Device device)
    {
        _device = parameters.Values.device;
        foreach (NamedParameter parameter in parameters.Named)
        {
            long[] shape = parameter.Shape;
            if (shape.Length < 2) Add(whole, shape);
            else
            {
                Add(row, [.. shape[..^1], 1]);
                Add(column, [.. shape[..^2], 1, shape[^1]]);
            }
            if (mean is not null) Add(mean, shape);

            void Add(string field, long[] size) =>
                _stored.Add($"{field}.{parameter.Name}", zeros(size, ScalarType.Float32, device).DetachFromDisposeScope());
        }
    }

    public IEnumerable<(string Name, Tensor Value)> Named => _stored.Select(state => (state.Key, state.Value));

    /// <summary>A parameter's state of that name, on the device that the parameters lie on.</summary>
    public StatePage In(string field, NamedParameter parameter) => new(_stored[$"{field}.{parameter.Name}"], _device);

    public void Dispose()
    {
        foreach (Tensor tensor in _stored.Values) tensor.Dispose();
    }
}
