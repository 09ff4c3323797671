using FineTuneService.Engine.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Benchmarks.P1;

/// <summary>
/// The Llama decoder with LoRA as PyTorch users write it, operator by operator over libtorch's autograd: what transformers' eager
/// modeling_llama and PEFT's LoRA layer compute, in bf16 with fp32 inside norms, softmax and loss. Every method frees its own
/// intermediates when it ends, as Python's references do; what the backward needs, autograd keeps.
/// </summary>
/// <param name="adapter">A and B in fp32, by module name.</param>
internal sealed class EagerDecoder(ModelConfig config, DecoderWeights weights, IReadOnlyDictionary<string, (Tensor A, Tensor B)> adapter, double scaling)
{
    /// <summary>A label that counts nothing.</summary>
    private const long Ignored = -100;

    /// <summary>Mean cross-entropy of the next token, a scalar that autograd knows.</summary>
    /// <param name="ids">[rows, length].</param>
    public Tensor Loss(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Logits(Hidden(ids));
        Tensor labels = cat([ids.narrow(1, 1, ids.shape[1] - 1), full([ids.shape[0], 1], Ignored)], 1);
        return nn.functional.cross_entropy(logits.view(-1, config.VocabularySize), labels.view(-1)).MoveToOuterDisposeScope();
    }

    private Tensor Hidden(Tensor ids)
    {
        using DisposeScope scope = NewDisposeScope();
        (long rows, long length) = (ids.shape[0], ids.shape[1]);
        (Tensor cos, Tensor sin) = Rotation(length);
        Tensor future = ones([length, length], @bool).triu(1);
        Tensor mask = zeros([length, length], weights.EmbedTokens.dtype).masked_fill_(future, float.NegativeInfinity);

        Tensor hidden = weights.EmbedTokens.index_select(0, ids.view(-1)).view(rows, length, config.HiddenSize);
        foreach (LayerWeights layer in weights.Layers)
        {
            using DisposeScope block = NewDisposeScope();
            hidden = hidden + Attention(Norm(hidden, layer.InputNorm), layer, cos, sin, mask);
            hidden = (hidden + Mlp(Norm(hidden, layer.PostAttentionNorm), layer)).MoveToOuterDisposeScope();
        }
        return Norm(hidden, weights.FinalNorm).MoveToOuterDisposeScope();
    }

    private Tensor Logits(Tensor hidden)
    {
        using Tensor logits = nn.functional.linear(hidden, weights.Head.Stored!);
        return logits.to_type(float32);
    }

    private Tensor Attention(Tensor x, LayerWeights layer, Tensor cos, Tensor sin, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        (long rows, long length) = (x.shape[0], x.shape[1]);
        int groups = config.Heads / config.KeyValueHeads;
        Tensor Split(Tensor t, int heads) => t.view(rows, length, heads, config.HeadDim).transpose(1, 2);
        Tensor Repeat(Tensor t) => t.unsqueeze(2).expand(rows, config.KeyValueHeads, groups, length, config.HeadDim)
            .reshape(rows, config.Heads, length, config.HeadDim);

        Tensor q = Rotate(Split(Linear(x, layer.Qkv, 0), config.Heads), cos, sin);
        Tensor k = Repeat(Rotate(Split(Linear(x, layer.Qkv, 1), config.KeyValueHeads), cos, sin));
        Tensor v = Repeat(Split(Linear(x, layer.Qkv, 2), config.KeyValueHeads));
        Tensor mixed = Probabilities(q, k, mask).matmul(v);
        return Linear(mixed.transpose(1, 2).reshape(rows, length, config.Heads * config.HeadDim), layer.O, 0).MoveToOuterDisposeScope();
    }

    private Tensor Probabilities(Tensor q, Tensor k, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scores = q.matmul(k.transpose(2, 3)) * (1 / Math.Sqrt(config.HeadDim)) + mask;
        return scores.softmax(-1, float32).to_type(q.dtype).MoveToOuterDisposeScope();
    }

    private Tensor Mlp(Tensor x, LayerWeights layer)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gated = nn.functional.silu(Linear(x, layer.GateUp, 0)) * Linear(x, layer.GateUp, 1);
        return Linear(gated, layer.Down, 0).MoveToOuterDisposeScope();
    }

    /// <summary>x·Wᵀ + scaling · x·Aᵀ·Bᵀ of one module.</summary>
    private Tensor Linear(Tensor x, LinearWeight linear, int index)
    {
        using DisposeScope scope = NewDisposeScope();
        LinearPart part = linear.Parts[index];
        (Tensor a, Tensor b) = adapter[part.Module];
        Tensor y = nn.functional.linear(x, linear.Stored!.narrow(0, part.Offset, part.Out));
        Tensor inner = nn.functional.linear(x, a.to_type(x.dtype));
        return (y + nn.functional.linear(inner, b.to_type(x.dtype)) * scaling).MoveToOuterDisposeScope();
    }

    private Tensor Norm(Tensor x, Tensor weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = x.to_type(float32);
        Tensor inverse = (wide.pow(2).mean([-1], keepdim: true) + config.Epsilon).rsqrt();
        return (weight * (wide * inverse).to_type(x.dtype)).MoveToOuterDisposeScope();
    }

    private Tensor Rotate(Tensor x, Tensor cos, Tensor sin)
    {
        using DisposeScope scope = NewDisposeScope();
        int half = config.HeadDim / 2;
        Tensor rotated = cat([-x.narrow(3, half, half), x.narrow(3, 0, half)], -1);
        return (x * cos + rotated * sin).MoveToOuterDisposeScope();
    }

    /// <summary>Cosines and sines, [length, headDim], the two halves alike.</summary>
    private (Tensor Cos, Tensor Sin) Rotation(long length)
    {
        Tensor frequencies = (arange(0, config.HeadDim, 2, float32) * (-Math.Log(config.RopeTheta) / config.HeadDim)).exp();
        Tensor half = arange(length, dtype: float32).unsqueeze(1) * frequencies.unsqueeze(0);
        Tensor angles = cat([half, half], -1);
        ScalarType dtype = weights.EmbedTokens.dtype;
        return (angles.cos().to_type(dtype), angles.sin().to_type(dtype));
    }
}
