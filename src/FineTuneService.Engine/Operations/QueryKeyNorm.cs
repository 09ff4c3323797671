using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// Norms of queries and keys before they are turned: of each head, by one weight [headDim] or each head's own [heads, headDim], or of all heads
/// together by a weight [heads·headDim].
/// </summary>
internal sealed class QueryKeyNorm
{
    private readonly Part[] _parts;

    private QueryKeyNorm(NormWeight query, NormWeight key, AttentionShape shape, Gradients? gradients) => _parts =
    [
        new Part(query, 0, shape.Heads * shape.HeadDim, gradients?.Of(query.Weight)),
        new Part(key, shape.Heads * shape.HeadDim, shape.KeyValueHeads * shape.HeadDim, gradients?.Of(key.Weight)),
    ];

    /// <param name="qkv">[tokens, (heads + 2·kvHeads)·headDim]: queries, keys, values; not head by head. Read by this operation alone.</param>
    /// <returns>The same with queries and keys normed.</returns>
    public static Activation Forward(Activation qkv, NormWeight query, NormWeight key, AttentionShape shape, Pass pass)
    {
        var norm = new QueryKeyNorm(query, key, shape, pass.Gradients);
        if (!qkv.NeedsGrad)
        {
            // Nothing reads the values as they were: rows are normed where they lie.
            norm.Forward(qkv.Value, qkv.Value, pass.Pool);
            norm.Release(pass.Pool);
            return qkv;
        }
        var normed = new Activation(pass.Pool.Lend(qkv.Dtype, qkv.Shape), needsGrad: true, pass.Pool);
        norm.Forward(qkv.Value, normed.Value, pass.Pool);
        Values(normed.Value, shape).copy_(Values(qkv.Value, shape));
        pass.Tape!.Record(() => norm.Backward(qkv, normed, shape, pass.Pool));
        return normed;
    }

    private void Forward(Tensor x, Tensor y, BufferPool pool)
    {
        foreach (Part part in _parts)
        {
            part.Statistics = NormRows.Statistics(part.Norm, x.shape[0] * (part.Width / part.Norm.Weight.size(-1)), pool);
            NormRows.Forward(part.Norm, part.Of(x), part.Of(y), part.Statistics);
        }
    }

    private void Backward(Activation qkv, Activation normed, AttentionShape shape, BufferPool pool)
    {
        using var scope = NewDisposeScope();
        (Tensor dx, float beta) = qkv.GradientPlace();
        foreach (Part part in _parts)
            NormRows.Backward(part.Norm, part.Of(normed.Grad!), part.Of(qkv.Value), part.Statistics!, part.Of(dx), beta, (part.Gradient, null));
        if (beta == 0) Values(dx, shape).copy_(Values(normed.Grad!, shape));
        else Values(dx, shape).add_(Values(normed.Grad!, shape));
        normed.ReleaseGradient();
        Release(pool);
        qkv.Done();
    }

    private void Release(BufferPool pool) => Array.ForEach(_parts, part => pool.Return(part.Statistics));

    private static Tensor Values(Tensor qkv, AttentionShape shape) =>
        qkv.narrow(1, (shape.Heads + shape.KeyValueHeads) * shape.HeadDim, shape.KeyValueHeads * shape.HeadDim);

    /// <summary>Columns [<paramref name="First"/>, +<paramref name="Width"/>) of the tokens: all heads of the queries, or of the keys.</summary>
    private sealed record Part(NormWeight Norm, int First, int Width, Tensor? Gradient)
    {
        public Tensor? Statistics { get; set; }

        public Tensor Of(Tensor tokens) => tokens.narrow(1, First, Width);
    }
}
