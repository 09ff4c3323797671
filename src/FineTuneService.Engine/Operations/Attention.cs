using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// Rotary embedding and causal grouped-query attention over whole sequences. Rows are padded on the right, so that no token of a
/// row sees its padding. Probabilities are not kept: the backward makes them again, part by part.
/// </summary>
internal sealed class Attention
{
    private readonly AttentionShape _shape;
    private readonly ScoreRule _rule;
    private readonly Rotation? _rotation;
    private readonly Pass _pass;
    private readonly Tensor _queries, _keys, _values;

    private Attention(Tensor qkv, AttentionShape shape, ScoreRule rule, Rotation? rotation, Pass pass)
    {
        (_shape, _rule, _rotation, _pass) = (shape, rule, rotation, pass);
        _queries = LendQueries(qkv.dtype);
        _keys = LendKeys(qkv.dtype);
        _values = LendKeys(qkv.dtype);
        rotation?.Apply(qkv, shape);
        HeadSplit.SplitQueries(qkv, shape, _queries);
        HeadSplit.SplitKeysAndValues(qkv, shape, _keys, _values);
    }

    /// <param name="qkv">[tokens, (heads + 2·kvHeads)·headDim]; read by this operation alone, and turned in place.</param>
    /// <param name="rotation">Null where the layer has no rotary embedding.</param>
    /// <returns>[tokens, heads·headDim].</returns>
    public static Activation Forward(Activation qkv, AttentionShape shape, ScoreRule rule, Rotation? rotation, Pass pass)
    {
        var attention = new Attention(qkv.Value, shape, rule, rotation, pass);
        qkv.Done();
        var output = new Activation(attention.Forward(), qkv.NeedsGrad, pass.Pool);
        if (output.NeedsGrad) pass.Tape!.Record(() => attention.Backward(qkv, output));
        else attention.Release();
        return output;
    }

    private Tensor Forward()
    {
        Tensor mixed = LendQueries(_queries.dtype);
        foreach (AttentionPart part in _shape.Parts)
        {
            using var scope = NewDisposeScope();
            Tensor probabilities = RawScores(part);
            CausalSoftmaxKernel.Forward(probabilities.flatten(0, 1), _rule, part.Places(_shape));
            MatrixProduct.Batch(part.Queries(mixed), probabilities, part.Keys(_values), _pass.Pool);
        }
        Tensor output = _pass.Pool.Lend(_queries.dtype, _shape.Rows * _shape.Width, _shape.Heads * _shape.HeadDim);
        HeadSplit.MergeQueries(mixed, _shape, output);
        _pass.Pool.Return(mixed);
        return output;
    }

    private void Backward(Activation qkv, Activation output)
    {
        BufferPool pool = _pass.Pool;
        Tensor dMixed = LendQueries(_queries.dtype), dQueries = LendQueries(_queries.dtype);
        Tensor dKeys = LendKeys(_queries.dtype), dValues = LendKeys(_queries.dtype);
        HeadSplit.SplitQueries(output.Grad!, _shape, dMixed);
        output.ReleaseGradient();

        // The last tile sees every key, so it writes all gradients of keys and values; the others add to theirs.
        foreach (AttentionPart part in _shape.Parts.Reverse()) PartBackward(part, dMixed, dQueries, dKeys, dValues);
        pool.Return(dMixed);
        Release();

        Tensor dQkv = pool.Lend(qkv.Dtype, qkv.Shape);
        HeadSplit.MergeQueries(dQueries, _shape, dQkv);
        HeadSplit.MergeKeysAndValues(dKeys, dValues, _shape, dQkv);
        _rotation?.Apply(dQkv, _shape, inverse: true);
        qkv.TakeGradient(dQkv);
        if (!ReferenceEquals(qkv.Grad, dQkv)) pool.Return(dQkv); // Added to what a prompt's queries have asked for.
        pool.Return(dQueries);
        pool.Return(dKeys);
        pool.Return(dValues);
    }

    private void PartBackward(AttentionPart part, Tensor dMixed, Tensor dQueries, Tensor dKeys, Tensor dValues)
    {
        using var scope = NewDisposeScope();
        Tensor scores = RawScores(part), dMixedPart = part.Queries(dMixed);
        Tensor dScores = MatrixProduct.Batch(dMixedPart, part.Keys(_values).transpose(1, 2), _pass.Pool);
        // Scores become probabilities and their gradient the scores' in one pass, so that both see probabilities in fp32.
        CausalSoftmaxKernel.Backward(scores.flatten(0, 1), dScores.flatten(0, 1), _rule, part.Places(_shape));
        bool first = part.Tile.Keys == _shape.Width;
        MatrixProduct.Batch(part.Keys(dValues), scores.transpose(1, 2), dMixedPart, _pass.Pool, add: !first);
        MatrixProduct.Batch(part.Keys(dKeys), dScores.transpose(1, 2), part.Queries(_queries), _pass.Pool, add: !first);
        MatrixProduct.Batch(part.Queries(dQueries), dScores, part.Keys(_keys), _pass.Pool);
    }

    /// <summary>q·kᵀ of a part: [problems, group·tile, keys]. A batched product is twice as fast in bf16 as one product a head, and
    /// TorchSharp has none that writes into a tensor that exists: each lives until its part is done.</summary>
    private Tensor RawScores(AttentionPart part) => MatrixProduct.Batch(part.Queries(_queries), part.Keys(_keys).transpose(1, 2), _pass.Pool);

    private void Release()
    {
        _pass.Pool.Return(_queries);
        _pass.Pool.Return(_keys);
        _pass.Pool.Return(_values);
    }

    private Tensor LendQueries(ScalarType dtype) => _pass.Pool.Lend(dtype, _shape.Problems, _shape.Group * _shape.Width, _shape.HeadDim);

    private Tensor LendKeys(ScalarType dtype) => _pass.Pool.Lend(dtype, _shape.Problems, _shape.Width, _shape.HeadDim);
}
