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
    private readonly List<Part> _parts = [];

    private QueryKeyNorm(NormWeight query, NormWeight key, AttentionShape shape, Gradients? gradients)
    {
        AddParts(query, 0, shape.Heads, shape.HeadDim, gradients);
        AddParts(key, shape.Heads, shape.KeyValueHeads, shape.HeadDim, gradients);
    }

    /// <param name="qkv">[tokens, (heads + 2·kvHeads)·headDim]: queries, keys, values.</param>
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
            part.Statistics = NormRows.Statistics(part.Norm, x.shape[0], pool);
            NormRows.Forward(part.Norm, part.Of(x), part.Of(y), part.Statistics);
        }
    }

    private void Backward(Activation qkv, Activation normed, AttentionShape shape, BufferPool pool)
    {
        (Tensor dx, float beta) = qkv.GradientPlace();
        foreach (Part part in _parts)
            NormRows.Backward(part.Norm, part.Of(normed.Grad!), part.Of(qkv.Value), part.Statistics!, part.Of(dx), beta, (part.Gradient, null));
        if (beta == 0) Values(dx, shape).copy_(Values(normed.Grad!, shape));
        else Values(dx, shape).add_(Values(normed.Grad!, shape));
        normed.ReleaseGradient();
        Release(pool);
        qkv.Done();
    }

    private void Release(BufferPool pool) => _parts.ForEach(part => pool.Return(part.Statistics));

    private void AddParts(NormWeight norm, int firstHead, int heads, int headDim, Gradients? gradients)
    {
        Tensor? gradient = gradients?.Of(norm.Weight);
        bool together = norm.Weight.ndim == 1 && norm.Weight.shape[0] == (long)heads * headDim && heads > 1;
        if (together) _parts.Add(new Part(norm, firstHead * headDim, heads * headDim, gradient));
        for (int head = 0; head < heads && !together; head++)
        {
            bool own = norm.Weight.ndim == 2;
            NormWeight ofHead = own ? norm with { Weight = norm.Weight.select(0, head) } : norm;
            _parts.Add(new Part(ofHead, (firstHead + head) * headDim, headDim, own ? gradient?.select(0, head) : gradient));
        }
    }

    private static Tensor Values(Tensor qkv, AttentionShape shape) =>
        qkv.narrow(1, (shape.Heads + shape.KeyValueHeads) * shape.HeadDim, shape.KeyValueHeads * shape.HeadDim);

    /// <summary>Columns [<paramref name="First"/>, +<paramref name="Width"/>) of the tokens, normed together.</summary>
    private sealed record Part(NormWeight Norm, int First, int Width, Tensor? Gradient)
    {
        public Tensor? Statistics { get; set; }

        public Tensor Of(Tensor tokens) => tokens.narrow(1, First, Width);
    }
}
