using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>One thing that an adapter does to a linear layer's outputs on its rows: one class a kind. Each changes y in place, after those before it.</summary>
internal abstract class AdapterBranch(AdapterRows rows)
{
    /// <summary>Whether the backward computes gradients of what is the adapter's.</summary>
    public abstract bool Trains { get; }

    /// <summary>Whether y is no longer the base's product plus something.</summary>
    public virtual bool ChangesBase => false;

    /// <summary>Makes of the gradient by y [tokens, out], in place, the one by what y was before this branch.</summary>
    public virtual void ToBase(Tensor dy)
    {
    }

    /// <summary>Adds the branch's gradients to the run's, and its share to dx.</summary>
    /// <param name="x">[tokens, in], as in the forward.</param>
    /// <param name="dy">[tokens, out]: by the layer's output.</param>
    /// <param name="dBase">[tokens, out]: by the base's product.</param>
    /// <param name="dx">[tokens, in], already holding the base's share; null where nothing below trains.</param>
    public abstract void Backward(Tensor x, Tensor dy, Tensor dBase, Tensor? dx, Pass pass);

    public virtual void Release(BufferPool pool)
    {
    }

    /// <summary>The branch's own rows of [tokens, width].</summary>
    protected Tensor Rows(Tensor tokens) => rows.Count == tokens.shape[0] ? tokens : tokens.narrow(0, rows.Start, rows.Count);

    /// <summary>Adds a sum over rows, made in fp32, to a gradient [width].</summary>
    protected static void AddSum(Tensor? gradient, Tensor rows, double factor = 1)
    {
        if (gradient is null) return;
        using Tensor sum = rows.sum(0L, type: ScalarType.Float32);
        gradient.add_(sum, alpha: factor);
    }
}
