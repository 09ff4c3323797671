using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>What a family makes of its head's products: scaled, then capped as cap · tanh(x / cap).</summary>
/// <param name="SoftCap">0: none.</param>
internal sealed record LogitShape(float Scale, float SoftCap)
{
    /// <summary>Null where logits stay as they are.</summary>
    public static LogitShape? Of(float scale, float softCap) => scale == 1 && softCap == 0 ? null : new LogitShape(scale, softCap);

    /// <summary>In place.</summary>
    /// <param name="logits">[rows, vocabulary].</param>
    public void Forward(Tensor logits)
    {
        if (Scale != 1) logits.mul_(Scale);
        if (SoftCap != 0) logits.div_(SoftCap).tanh_().mul_(SoftCap);
    }

    /// <summary>What <see cref="Backward"/> needs of the forward's result, before that is overwritten; the pool's.</summary>
    public Tensor? Keep(Tensor logits, BufferPool pool)
    {
        if (SoftCap == 0) return null;
        Tensor kept = pool.Lend(logits.dtype, logits.shape);
        kept.copy_(logits);
        return kept;
    }

    /// <summary>The gradient by the products, in the place of that by the logits.</summary>
    public void Backward(Tensor dLogits, Tensor? kept, BufferPool pool)
    {
        if (kept is not null) dLogits.mul_(kept.div_(SoftCap).pow_(2).neg_().add_(1));
        if (Scale != 1) dLogits.mul_(Scale);
        pool.Return(kept);
    }
}
