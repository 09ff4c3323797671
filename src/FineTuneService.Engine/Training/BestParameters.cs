using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>The parameters of a run's best evaluation so far, in the host's memory. Before the first evaluation: what it started from.</summary>
internal sealed class BestParameters(TrainedParameters parameters) : IDisposable
{
    private readonly Tensor _kept = parameters.Values.to(CPU, copy: true).DetachFromDisposeScope();

    /// <summary>For a checkpoint.</summary>
    public IEnumerable<(string Name, Tensor Value)> State => parameters.Named.Select(parameter => ("best." + parameter.Name, parameter.In(_kept)));

    public long Bytes => _kept.numel() * _kept.element_size();

    /// <summary>The present ones are the best.</summary>
    public void Keep() => _kept.copy_(parameters.Values);

    /// <summary>The run's parameters are the best ones from now on.</summary>
    public void Restore()
    {
        parameters.Values.copy_(_kept);
        parameters.Changed();
    }

    public void Dispose() => _kept.Dispose();
}
