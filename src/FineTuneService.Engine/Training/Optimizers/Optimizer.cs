using static TorchSharp.torch;

namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>Updates a parameter set by its gradients. One class an algorithm; what it keeps between steps is its state.</summary>
/// <param name="paged">Whether the state lies in the host's memory between steps.</param>
internal abstract class Optimizer(ParameterSet parameters, bool paged) : IDisposable
{
    /// <summary>Elements that a paged optimizer has on the device at once, of each of its buffers.</summary>
    private const long PageElements = 1 << 24;

    /// <summary>Elements that a kernel's loop counts with an int.</summary>
    private const long MostElements = 1 << 30;

    /// <summary>Updates done; bias corrections depend on it.</summary>
    public int Steps { get; set; }

    /// <summary>What a checkpoint has to hold beside the parameters and <see cref="Steps"/>: FIELD.PARAMETER, whatever the buffers' layout is.</summary>
    public abstract IEnumerable<(string Name, Tensor Value)> State { get; }

    /// <summary>Bytes of the state, and whether a device other than the CPU would hold them.</summary>
    public long StateBytes => State.Sum(state => state.Value.numel() * state.Value.element_size());

    /// <summary>Where the state lies.</summary>
    public Device StateDevice { get; } = paged ? CPU : parameters.Values.device;

    protected ParameterSet Parameters => parameters;

    /// <summary>One update.</summary>
    public void Step(double learningRate)
    {
        Steps++;
        foreach (ParameterGroup piece in parameters.Groups.SelectMany(Pieces))
        {
            using var scope = NewDisposeScope();
            Update(piece, learningRate * piece.RateFactor);
        }
    }

    public abstract void Dispose();

    /// <summary>The ranges that <see cref="Update"/> is called with. An algorithm that sees shapes takes a parameter at a time.</summary>
    protected virtual IEnumerable<ParameterGroup> Pieces(ParameterGroup group) =>
        group.Pieces(StateDevice.type == parameters.Values.device_type ? MostElements : PageElements);

    /// <summary>Updates one range. Tensors that it makes are disposed after it.</summary>
    protected abstract void Update(ParameterGroup group, double rate);
}
