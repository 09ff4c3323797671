using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Models;

/// <summary>One layer of the decoder: attention and an MLP, each a branch off the residual stream, with the norms that the family has.</summary>
/// <param name="attend">Attention over the joined queries, keys and values.</param>
internal sealed class DecoderBlock(ModelConfig config, LayerWeights layer, Func<Activation, Activation> attend, Pass pass)
{
    public void Forward(ResidualStream stream)
    {
        switch (config.Residual)
        {
            case Residual.Sequential:
                stream.Add(Attend(Input(stream, layer.BeforeAttention)));
                stream.Add(Mlp(Input(stream, layer.BeforeMlp)));
                break;
            case Residual.Parallel:
                Activation first = Input(stream, layer.BeforeAttention);
                Activation second = layer.BeforeMlp is null ? first.AlsoRead() : Input(stream, layer.BeforeMlp);
                Activation attended = Attend(first);
                stream.Add(attended);
                stream.Add(Mlp(second));
                break;
            case Residual.NormedSum:
                stream.Add(Attend(stream.Read()));
                stream.Renorm(layer.BeforeAttention!);
                stream.Add(Mlp(stream.Read()));
                stream.Renorm(layer.BeforeMlp!);
                break;
        }
    }

    private static Activation Input(ResidualStream stream, NormWeight? norm) => norm is null ? stream.Read() : stream.Norm(norm);

    private Activation Attend(Activation x)
    {
        Activation mixed = attend(Linear.Forward(x, layer.Qkv, pass));
        return Branch(Linear.Forward(mixed, layer.O, pass), layer.AfterAttention);
    }

    private Activation Mlp(Activation x)
    {
        if (layer.Experts is { } experts) return Branch(ExpertMlp.Forward(x, experts, config.Experts!.Active, config.Experts.Renormalise, config.Gate, pass), layer.AfterMlp);
        Activation inner = Linear.Forward(x, layer.Up!, pass);
        Activation gated = config.GatedMlp ? Gated.Forward(inner, config.Gate, pass) : Activated.Forward(inner, config.Gate, pass);
        return Branch(Linear.Forward(gated, layer.Down!, pass), layer.AfterMlp);
    }

    /// <summary>A branch's output as it is added to the stream.</summary>
    private Activation Branch(Activation output, NormWeight? norm) =>
        Scaled.Forward(norm is null ? output : Norm.Forward(output, norm, pass), config.ResidualScale, pass);
}
