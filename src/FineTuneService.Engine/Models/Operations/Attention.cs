using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models.Operations;

/// <summary>
/// Rotary embedding and causal grouped-query attention over whole sequences. Rows are padded on the right, so that no token of a
/// row sees its padding. Probabilities are not kept: the backward makes them again, a row of the batch at a time.
/// </summary>
internal sealed class Attention
{
    private readonly AttentionShape _shape;
    private readonly Rotation _rotation;
    private readonly Pass _pass;
    private readonly Tensor _queries, _keys, _values;

    private Attention(Tensor qkv, AttentionShape shape, Rotation rotation, Pass pass)
    {
        (_shape, _rotation, _pass) = (shape, rotation, pass);
        _queries = LendQueries(qkv.dtype);
        _keys = LendKeys(qkv.dtype);
        _values = LendKeys(qkv.dtype);
        rotation.Apply(qkv, shape);
        HeadSplit.SplitQueries(qkv, shape, _queries);
        HeadSplit.SplitKeysAndValues(qkv, shape, _keys, _values);
    }

    /// <param name="qkv">[tokens, (heads + 2·kvHeads)·headDim]; its buffer is given back.</param>
    /// <returns>[tokens, heads·headDim].</returns>
    public static Activation Forward(Activation qkv, AttentionShape shape, Rotation rotation, Pass pass)
    {
        var attention = new Attention(qkv.Value, shape, rotation, pass);
        pass.Pool.Return(qkv.Value);
        var output = new Activation(attention.Forward(), qkv.NeedsGrad);
        if (output.NeedsGrad) pass.Tape!.Record(() => attention.Backward(qkv, output));
        else attention.Release();
        return output;
    }

    private Tensor Forward()
    {
        Tensor mixed = LendQueries(_queries.dtype);
        for (int row = 0; row < _shape.Rows; row++)
        {
            foreach (QueryTile tile in _shape.Tiles)
            {
                Tensor probabilities = RawScores(row, tile);
                CausalSoftmaxKernel.Forward(probabilities, tile.Length, tile.Start, _shape.Scale);
                ForEachHead(row, (head, problem) =>
                    Queries(mixed, problem, tile).addmm_(Scores(probabilities, head, tile), Keys(_values, problem, tile), beta: 0));
                _pass.Pool.Return(probabilities);
            }
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
        if (!output.GradIsShared) pool.Return(output.Grad);

        for (int row = 0; row < _shape.Rows; row++)
        {
            // The last tile sees every key, so it writes all gradients of keys and values; the others add to theirs.
            foreach (QueryTile tile in _shape.Tiles.Reverse()) TileBackward(row, tile, dMixed, dQueries, dKeys, dValues);
        }
        pool.Return(dMixed);
        Release();

        qkv.Grad = pool.Lend(qkv.Dtype, qkv.Shape);
        HeadSplit.MergeQueries(dQueries, _shape, qkv.Grad);
        HeadSplit.MergeKeysAndValues(dKeys, dValues, _shape, qkv.Grad);
        _rotation.Apply(qkv.Grad, _shape, inverse: true);
        pool.Return(dQueries);
        pool.Return(dKeys);
        pool.Return(dValues);
    }

    private void TileBackward(int row, QueryTile tile, Tensor dMixed, Tensor dQueries, Tensor dKeys, Tensor dValues)
    {
        float beta = tile.Keys == _shape.Width ? 0 : 1;
        Tensor scores = RawScores(row, tile);
        Tensor dScores = _pass.Pool.Lend(_queries.dtype, scores.shape);
        ForEachHead(row, (head, problem) =>
            Scores(dScores, head, tile).addmm_(Queries(dMixed, problem, tile), Keys(_values, problem, tile).t(), beta: 0));
        // Scores become probabilities and their gradient the scores' in one pass, so that both see probabilities in fp32.
        CausalSoftmaxKernel.Backward(scores, dScores, tile.Length, tile.Start, _shape.Scale);
        ForEachHead(row, (head, problem) =>
        {
            Tensor dRows = Scores(dScores, head, tile);
            Keys(dValues, problem, tile).addmm_(Scores(scores, head, tile).t(), Queries(dMixed, problem, tile), beta: beta);
            Queries(dQueries, problem, tile).addmm_(dRows, Keys(_keys, problem, tile), beta: 0);
            Keys(dKeys, problem, tile).addmm_(dRows.t(), Queries(_queries, problem, tile), beta: beta);
        });
        _pass.Pool.Return(scores);
        _pass.Pool.Return(dScores);
    }

    /// <summary>q·kᵀ of a row's tile: [kvHeads·group·tile, keys].</summary>
    private Tensor RawScores(int row, QueryTile tile)
    {
        Tensor scores = _pass.Pool.Lend(_queries.dtype, _shape.KeyValueHeads * tile.Rows, tile.Keys);
        ForEachHead(row, (head, problem) =>
            Scores(scores, head, tile).addmm_(Queries(_queries, problem, tile), Keys(_keys, problem, tile).t(), beta: 0));
        return scores;
    }

    private void ForEachHead(int row, Action<int, int> product)
    {
        for (int head = 0; head < _shape.KeyValueHeads; head++) product(head, row * _shape.KeyValueHeads + head);
    }

    private void Release()
    {
        _pass.Pool.Return(_queries);
        _pass.Pool.Return(_keys);
        _pass.Pool.Return(_values);
    }

    private Tensor LendQueries(ScalarType dtype) => _pass.Pool.Lend(dtype, _shape.Problems, _shape.Group * _shape.Width, _shape.HeadDim);

    private Tensor LendKeys(ScalarType dtype) => _pass.Pool.Lend(dtype, _shape.Problems, _shape.Width, _shape.HeadDim);

    private static Tensor Queries(Tensor queries, int problem, QueryTile tile) => queries.select(0, problem).narrow(0, tile.FirstRow, tile.Rows);

    private static Tensor Keys(Tensor keys, int problem, QueryTile tile) => keys.select(0, problem).narrow(0, 0, tile.Keys);

    private static Tensor Scores(Tensor scores, int head, QueryTile tile) => scores.narrow(0, head * tile.Rows, tile.Rows);
}
