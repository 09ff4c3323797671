using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>A module of the checkpoint that is part of a joined linear layer.</summary>
/// <param name="Module">Its name, such as model.layers.0.self_attn.q_proj.</param>
/// <param name="Offset">First of its outputs in the joined layer.</param>
internal sealed record LinearPart(string Module, int Offset, int Out);

/// <summary>A linear layer's weight [Out, In], as it is stored: dense, or quantised.</summary>
internal abstract class LinearWeight : IDisposable
{
    /// <summary>The modules whose rows it joins, in order.</summary>
    public required IReadOnlyList<LinearPart> Parts { get; init; }
    public required int In { get; init; }
    public required int Out { get; init; }

    /// <summary>[Out], in the compute dtype.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>The weight [Out, In] itself where it is stored dense, or null.</summary>
    public abstract Tensor? Stored { get; }

    /// <summary>The weight [Out, In] in the compute dtype: the stored tensor, or a buffer lent by the pool. Return it to the pool after use.</summary>
    public abstract Tensor Dense(BufferPool pool);

    /// <summary>y = x·Wᵀ + bias.</summary>
    /// <param name="x">[tokens, In], in the compute dtype.</param>
    /// <param name="y">[tokens, Out], overwritten.</param>
    public virtual void Multiply(Tensor x, Tensor y, BufferPool pool)
    {
        Tensor dense = Dense(pool);
        if (Bias is not null) y.copy_(Bias);
        using Tensor transposed = dense.t();
        MatrixProduct.Add(y, x, transposed, pool, beta: Bias is null ? 0 : 1);
        pool.Return(dense);
    }

    /// <summary>Bytes held, the bias included.</summary>
    public abstract long Bytes { get; }

    public virtual void Dispose() => Bias?.Dispose();
}

/// <summary>A weight that is stored in the compute dtype.</summary>
internal sealed class DenseWeight(Tensor weight) : LinearWeight
{
    public override Tensor Stored => weight;

    public override Tensor Dense(BufferPool pool) => weight;

    public override void Multiply(Tensor x, Tensor y, BufferPool pool)
    {
        if (!Bf16ProductKernel.Fits(x))
        {
            base.Multiply(x, y, pool);
            return;
        }
        Bf16ProductKernel.Forward(x, weight, y);
        if (Bias is not null) y.add_(Bias);
    }

    public override long Bytes => (weight.numel() + (Bias?.numel() ?? 0)) * weight.element_size();

    public override void Dispose()
    {
        weight.Dispose();
        base.Dispose();
    }
}
