using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>A parameter's place in the one buffer.</summary>
/// <param name="Name">PEFT's or Hugging Face's, the same whatever the buffer's layout is.</param>
/// <param name="Offset">First element.</param>
internal sealed record NamedParameter(string Name, long Offset, long[] Shape)
{
    public long Length => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>A view of it in a buffer of this layout: of the values, or of the optimizer's state.</summary>
    public Tensor In(Tensor flat) => flat.narrow(0, Offset, Length).view(Shape);
}

/// <summary>What a run trains, as one buffer, with a buffer of gradients in the same layout: one update, one norm.</summary>
internal abstract class TrainedParameters : IDisposable
{
    /// <summary>Every parameter once, together the whole buffer.</summary>
    public abstract IEnumerable<NamedParameter> Named { get; }

    /// <summary>[length], fp32 (or bf16 where all is): what the optimizer updates.</summary>
    public abstract Tensor Values { get; }

    /// <summary>[length], of the same dtype.</summary>
    public abstract Tensor GradientValues { get; }

    /// <summary>Where the backward adds gradients.</summary>
    public abstract Gradients Gradients { get; }

    /// <summary>What training reads beside them and never changes, but that nothing else could give back: a checkpoint holds it.</summary>
    public virtual IEnumerable<(string Name, Tensor Value)> Fixed => [];

    /// <summary>What an optimizer sees of them.</summary>
    public ParameterSet Set(OptimizerConfig config) =>
        new(Values, GradientValues, Named, parameter => new UpdateRule(RateFactor(parameter, config), config.WeightDecay));

    /// <summary>How many times the learning rate a parameter's is.</summary>
    protected virtual double RateFactor(NamedParameter parameter, OptimizerConfig config) => 1;

    /// <summary>Must follow every change of the values: the operations read a copy in the compute dtype.</summary>
    public abstract void Changed();

    public abstract void Dispose();
}

/// <summary>An adapter on a frozen base.</summary>
internal sealed class AdapterParameters : TrainedParameters
{
    private readonly Adapter _adapter;
    private readonly LoraTensors _gradients;

    public AdapterParameters(Adapter adapter)
    {
        _adapter = adapter;
        _gradients = new LoraTensors(adapter.Values.Layout, adapter.Values.Flat.dtype, adapter.Values.Flat.device);
        Gradients = new Gradients(_gradients);
    }

    public override IEnumerable<NamedParameter> Named =>
        _adapter.Values.Layout.Views.Select(entry => new NamedParameter(entry.Key, entry.View.Offset, entry.View.Shape));

    /// <summary>What counts as taken off the base: a decomposition made again may differ in its last bits, and in signs.</summary>
    public override IEnumerable<(string Name, Tensor Value)> Fixed =>
        _adapter.Removed is { } removed ? removed.Layout.Views.Select(entry => (entry.Key, entry.View.In(removed.Flat))) : [];

    public override Tensor Values => _adapter.Values.Flat;

    public override Tensor GradientValues => _gradients.Flat;

    public override Gradients Gradients { get; }

    /// <summary>The gradients by module.</summary>
    public LoraTensors Lora => _gradients;

    /// <summary>LoRA+: every B learns faster than its A.</summary>
    protected override double RateFactor(NamedParameter parameter, OptimizerConfig config) =>
        parameter.Name.Contains("lora_B", StringComparison.Ordinal) ? config.LoraPlusRatio ?? 1 : 1;

    public override void Changed() => _adapter.Changed();

    public override void Dispose() => _gradients.Dispose();
}
