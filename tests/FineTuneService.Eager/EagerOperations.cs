using FineTuneService.Engine.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace FineTuneService.Eager;

/// <summary>
/// A Llama block's operations as PyTorch users write them, one libtorch operator after the other over its autograd: what
/// transformers' eager modeling_llama and PEFT's LoRA layer compute, with fp32 inside norms and softmax. Every method frees its own
/// intermediates when it ends, as Python's references do; what the backward needs, autograd keeps.
/// </summary>
internal static class EagerOperations
{
    /// <summary>A label that counts nothing.</summary>
    public const long Ignored = -100;

    /// <summary>x·Wᵀ + bias + scaling · x·Aᵀ·Bᵀ.</summary>
    /// <param name="bias">[out], or null.</param>
    /// <param name="lora">A [rank, in] and B [out, rank] in fp32, rounded to x's dtype as autocast does; null where there is no adapter.</param>
    public static Tensor Linear(Tensor x, Tensor weight, Tensor? bias, (Tensor A, Tensor B)? lora, double scaling)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor y = nn.functional.linear(x, weight, bias);
        if (lora is not var (a, b)) return y.MoveToOuterDisposeScope();
        Tensor inner = nn.functional.linear(x, a.to_type(x.dtype));
        return (y + nn.functional.linear(inner, b.to_type(x.dtype)) * scaling).MoveToOuterDisposeScope();
    }

    /// <summary>Root mean square norm of the last dimension.</summary>
    public static Tensor Norm(Tensor x, Tensor weight, double epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = x.to_type(float32);
        Tensor inverse = (wide.pow(2).mean([-1], keepdim: true) + epsilon).rsqrt();
        return (weight * (wide * inverse).to_type(x.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>Causal attention of grouped queries, rotated first.</summary>
    /// <param name="q">[rows, length, heads·headDim].</param>
    /// <param name="k">[rows, length, kvHeads·headDim].</param>
    /// <param name="v">[rows, length, kvHeads·headDim].</param>
    /// <returns>[rows, length, heads·headDim].</returns>
    public static Tensor Attention(Tensor q, Tensor k, Tensor v, ModelConfig config, EagerPositions positions)
    {
        using DisposeScope scope = NewDisposeScope();
        (long rows, long length) = (q.shape[0], q.shape[1]);
        Tensor Split(Tensor t, int heads) => t.view(rows, length, heads, config.HeadDim).transpose(1, 2);
        Tensor Repeat(Tensor t) => t.unsqueeze(2).expand(rows, config.KeyValueHeads, config.Heads / config.KeyValueHeads, length, config.HeadDim)
            .reshape(rows, config.Heads, length, config.HeadDim);

        Tensor turned = Rotate(Split(q, config.Heads), positions);
        Tensor keys = Repeat(Rotate(Split(k, config.KeyValueHeads), positions));
        Tensor mixed = Probabilities(turned, keys, positions.Mask).matmul(Repeat(Split(v, config.KeyValueHeads)));
        return mixed.transpose(1, 2).reshape(rows, length, config.Heads * config.HeadDim).MoveToOuterDisposeScope();
    }

    /// <summary>silu(gate) · up.</summary>
    public static Tensor SwiGlu(Tensor gate, Tensor up)
    {
        using DisposeScope scope = NewDisposeScope();
        return (nn.functional.silu(gate) * up).MoveToOuterDisposeScope();
    }

    /// <summary>Mean cross-entropy of the labels that count, from fp32 logits.</summary>
    /// <param name="logits">[tokens, vocabulary].</param>
    /// <param name="labels">int64 [tokens], <see cref="Ignored"/> where nothing counts.</param>
    public static Tensor Loss(Tensor logits, Tensor labels)
    {
        using DisposeScope scope = NewDisposeScope();
        return nn.functional.cross_entropy(logits.to_type(float32), labels).MoveToOuterDisposeScope();
    }

    private static Tensor Probabilities(Tensor q, Tensor k, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor scores = q.matmul(k.transpose(2, 3)) * (1 / Math.Sqrt(q.shape[3])) + mask;
        return scores.softmax(-1, float32).to_type(q.dtype).MoveToOuterDisposeScope();
    }

    private static Tensor Rotate(Tensor x, EagerPositions positions)
    {
        using DisposeScope scope = NewDisposeScope();
        long half = x.shape[3] / 2;
        Tensor rotated = cat([-x.narrow(3, half, half), x.narrow(3, 0, half)], -1);
        return (x * positions.Cos + rotated * positions.Sin).MoveToOuterDisposeScope();
    }
}
