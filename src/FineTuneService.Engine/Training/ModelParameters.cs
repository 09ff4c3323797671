using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>Every parameter of a model: fp32 masters, rounded into the model's own tensors after each update.</summary>
internal sealed class ModelParameters : TrainedParameters
{
    private readonly List<(Tensor Weight, Tensor Master, Tensor Gradient)> _parameters = [];

    private readonly List<NamedParameter> _named = [];

    public ModelParameters(DecoderWeights weights)
    {
        Tensor[] trained = [.. weights.Parameters];
        long length = trained.Sum(weight => weight.numel());
        Device device = weights.EmbedTokens.device;
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
        _named.AddRange(Names(weights, trained));
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

    /// <summary>Hugging Face's names; a joined layer's parts each have their own.</summary>
    private static IEnumerable<NamedParameter> Names(DecoderWeights weights, Tensor[] trained)
    {
        var offsets = new Dictionary<Tensor, long>(ReferenceEqualityComparer.Instance);
        long offset = 0;
        foreach (Tensor weight in trained)
        {
            offsets.Add(weight, offset);
            offset += weight.numel();
        }
        yield return Whole("model.embed_tokens.weight", weights.EmbedTokens);
        yield return Whole("model.norm.weight", weights.FinalNorm);
        for (int i = 0; i < weights.Layers.Length; i++)
        {
            yield return Whole($"model.layers.{i}.input_layernorm.weight", weights.Layers[i].InputNorm);
            yield return Whole($"model.layers.{i}.post_attention_layernorm.weight", weights.Layers[i].PostAttentionNorm);
        }
        foreach (LinearWeight linear in weights.Linears)
        {
            if (ReferenceEquals(linear, weights.Head) && weights.HeadIsTied) continue;
            foreach (LinearPart part in linear.Parts)
            {
                yield return new(part.Module + ".weight", offsets[linear.Stored!] + (long)part.Offset * linear.In, [part.Out, linear.In]);
                if (linear.Bias is not null) yield return new(part.Module + ".bias", offsets[linear.Bias] + part.Offset, [part.Out]);
            }
        }

        NamedParameter Whole(string name, Tensor weight) => new(name, offsets[weight], weight.shape);
    }

    private static Tensor View(Tensor flat, long offset, Tensor weight)
    {
        using Tensor part = flat.narrow(0, offset, weight.numel());
        return part.view(weight.shape).DetachFromDisposeScope();
    }
}
