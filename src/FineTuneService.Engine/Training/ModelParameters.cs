using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>Every parameter of a model: fp32 masters, rounded into the model's own tensors after each update.</summary>
internal sealed class ModelParameters : TrainedParameters
{
    private readonly List<(Tensor Weight, Tensor Master, Tensor Gradient)> _parameters = [];

    private readonly List<NamedParameter> _named = [];

    public ModelParameters(ModelSlots slots, DecoderWeights weights)
    {
        Tensor[] trained = [.. weights.Parameters];
        long length = trained.Sum(weight => weight.numel());
        Device device = weights.Device;
        Values = zeros([length], ScalarType.Float32, device).DetachFromDisposeScope();
        GradientValues = zeros([length], ScalarType.Float32, device).DetachFromDisposeScope();
        long offset = 0;
        foreach (Tensor weight in trained)
        {
            (Tensor master, Tensor gradient) = (View(Values, offset, weight), View(GradientValues, offset, weight));
            master.copy_(weight);
            _parameters.Add((weight, master, gradient));
            offset += weight.numel();
        }
        Gradients = new Gradients(_parameters.Select(p => (p.Weight, p.Gradient)));
        _named.AddRange(Names(slots, weights, trained));
    }

    public override IEnumerable<NamedParameter> Named => _named;

    public override Tensor Values { get; }

    public override Tensor GradientValues { get; }

    public override Gradients Gradients { get; }

    public override void Changed() => _parameters.ForEach(p => p.Weight.copy_(p.Master));

    public override void Dispose()
    {
        foreach ((_, Tensor master, Tensor gradient) in _parameters)
        {
            master.Dispose();
            gradient.Dispose();
        }
        Values.Dispose();
        GradientValues.Dispose();
    }

    /// <summary>The checkpoint's names; a joined layer's parts each have their own.</summary>
    private static IEnumerable<NamedParameter> Names(ModelSlots slots, DecoderWeights weights, Tensor[] trained)
    {
        var offsets = new Dictionary<Tensor, long>(ReferenceEqualityComparer.Instance);
        long offset = 0;
        foreach (Tensor weight in trained)
        {
            offsets.Add(weight, offset);
            offset += weight.numel();
        }
        yield return Of(slots.Embedding, weights.EmbedTokens, 0);
        if (slots.Positions is not null) yield return Of(slots.Positions, weights.Positions!, 0);
        foreach ((NormSlot slot, NormWeight norm) in slots.Norms.Zip(weights.Norms))
        {
            int modules = slot.Modules.Count;
            foreach ((int i, Slot each) in slot.Slots.Index())
                yield return Of(each, i < modules ? norm.Weight : norm.Bias!, i % modules * each.Count);
        }
        foreach ((LinearSlot slot, LinearWeight linear) in slots.Linears.Zip(weights.Linears))
        {
            if (!(slot.IsHead && slots.HeadIsTied))
            {
                foreach ((Slot weight, LinearPart part) in slot.Weights.Zip(slot.Parts)) yield return Of(weight, linear.Stored!, (long)part.Offset * linear.In);
            }
            foreach ((Slot bias, LinearPart part) in slot.Biases.Zip(slot.Parts)) yield return Of(bias, linear.Bias!, part.Offset);
        }

        NamedParameter Of(Slot slot, Tensor weight, long within) => new(slot.Name, offsets[weight] + within, slot.Shape);
    }

    private static Tensor View(Tensor flat, long offset, Tensor weight)
    {
        using Tensor part = flat.narrow(0, offset, weight.numel());
        return part.view(weight.shape).DetachFromDisposeScope();
    }
}
