using FineTuneService.Engine.Models;
using FineTuneService.Engine.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Eager;

/// <summary>The Llama decoder with LoRA of <see cref="EagerOperations"/>.</summary>
/// <param name="adapter">A and B in fp32, by module name; a module that is absent has no adapter.</param>
internal sealed class EagerDecoder(ModelConfig config, DecoderWeights weights, IReadOnlyDictionary<string, (Tensor A, Tensor B)> adapter, double scaling)
{
    /// <summary>Mean cross-entropy of the next token, a scalar that autograd knows.</summary>
    /// <param name="ids">[rows, length].</param>
    public Tensor Loss(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Logits(Hidden(ids));
        Tensor labels = cat([ids.narrow(1, 1, ids.shape[1] - 1), full([ids.shape[0], 1], EagerOperations.Ignored)], 1);
        return EagerOperations.Loss(logits.view(-1, config.VocabularySize), labels.view(-1)).MoveToOuterDisposeScope();
    }

    /// <summary>One layer over the residual stream, [rows, length, hidden].</summary>
    public Tensor Block(Tensor stream, LayerWeights layer, EagerPositions positions)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Norm(stream, layer.BeforeAttention!);
        Tensor mixed = EagerOperations.Attention(Linear(x, layer.Qkv, 0), Linear(x, layer.Qkv, 1), Linear(x, layer.Qkv, 2), config, positions);
        Tensor middle = stream + Linear(mixed, layer.O, 0);
        Tensor y = Norm(middle, layer.BeforeMlp!);
        Tensor gated = EagerOperations.SwiGlu(Linear(y, layer.Up!, 0), Linear(y, layer.Up!, 1));
        return (middle + Linear(gated, layer.Down!, 0)).MoveToOuterDisposeScope();
    }

    private Tensor Hidden(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        (long rows, long length) = (ids.shape[0], ids.shape[1]);
        EagerPositions positions = EagerPositions.Of(config, length, weights.Dtype);
        Tensor stream = weights.EmbedTokens.index_select(0, ids.view(-1)).view(rows, length, config.HiddenSize);
        foreach (LayerWeights layer in weights.Layers) stream = Block(stream, layer, positions);
        return Norm(stream, weights.FinalNorm!).MoveToOuterDisposeScope();
    }

    private Tensor Logits(Tensor hidden)
    {
        using Tensor logits = Linear(hidden, weights.Head, 0);
        return logits.to_type(float32);
    }

    private Tensor Norm(Tensor x, NormWeight norm) => EagerOperations.Norm(x, norm.Weight, config.Epsilon);

    /// <summary>One module of a joined layer.</summary>
    private Tensor Linear(Tensor x, LinearWeight linear, int index)
    {
        LinearPart part = linear.Parts[index];
        using Tensor weight = linear.Stored!.narrow(0, part.Offset, part.Out);
        using Tensor? bias = linear.Bias?.narrow(0, part.Offset, part.Out);
        (Tensor, Tensor)? lora = adapter.TryGetValue(part.Module, out (Tensor, Tensor) pair) ? pair : null;
        return EagerOperations.Linear(x, weight, bias, lora, scaling);
    }
}
