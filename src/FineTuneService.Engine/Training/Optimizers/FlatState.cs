using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>A buffer of optimizer state in the parameters' layout.</summary>
/// <param name="kind">Its name in a checkpoint, before a parameter's.</param>
/// <param name="device">Where it lies between steps.</param>
internal sealed class FlatState(string kind, ParameterSet parameters, Device device) : IDisposable
{
    private readonly Tensor _stored = zeros([parameters.Values.numel()], parameters.Values.dtype, device).DetachFromDisposeScope();

    /// <summary>A view for each parameter.</summary>
    public IEnumerable<(string Name, Tensor Value)> Named => parameters.Named.Select(parameter => ($"{kind}.{parameter.Name}", parameter.In(_stored)));

    /// <summary>The group's range, on the device that the parameters lie on.</summary>
    public StatePage In(ParameterGroup group) => new(group.Of(_stored), parameters.Values.device);

    public void Dispose() => _stored.Dispose();
}

/// <summary>State that an update works on: the stored tensor itself, or a copy on the parameters' device that is written back at the end.</summary>
internal readonly struct StatePage(Tensor stored, Device device) : IDisposable
{
    private readonly bool _copied = stored.device_type != device.type;

    public Tensor Tensor { get; } = stored.device_type == device.type ? stored : stored.to(device);

    public void Dispose()
    {
        if (_copied) stored.copy_(Tensor);
    }
}
