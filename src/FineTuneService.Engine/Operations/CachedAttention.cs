using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// Attention of new tokens over a cache that holds what came before them: serving's form of <see cref="Attention"/>. Rows differ in
/// how much they have cached, so each is a product of its own, over no more keys than it has.
/// </summary>
internal static class CachedAttention
{
    /// <param name="qkv">[rows·width, (heads + 2·kvHeads)·headDim]; read by this operation alone, and turned in place.</param>
    /// <returns>[rows·width, heads·headDim]; undefined at padding.</returns>
    public static Activation Forward(
        Activation qkv, TokenBatch batch, AttentionShape shape, ScoreRule rule, Rotation? rotation, int layer, Pass pass)
    {
        Tensor tokens = qkv.Value;
        rotation?.Apply(tokens, shape);
        Tensor output = pass.Pool.Lend(qkv.Dtype, qkv.Shape[0], shape.Heads * shape.HeadDim);
        if (batch.Width == 1 && tokens.is_cpu())
        {
            DecodeAttentionKernel.Forward(tokens, batch.Sequences, layer, output, shape, rule);
            qkv.Done();
            return new Activation(output, needsGrad: false, pass.Pool);
        }
        if (batch.IsPadded) output.zero_();
        for (int row = 0; row < batch.Rows; row++)
        {
            int count = batch.Lengths[row], before = batch.Sequences[row].Length;
            Tensor rowTokens = tokens.narrow(0, row * batch.Width, count);
            batch.Sequences[row].Write(layer, shape.Keys(rowTokens), shape.Values(rowTokens));
            Tensor keys = pass.Pool.Lend(tokens.dtype, shape.KeyValueHeads, before + count, shape.HeadDim);
            Tensor values = pass.Pool.Lend(tokens.dtype, shape.KeyValueHeads, before + count, shape.HeadDim);
            batch.Sequences[row].Read(layer, keys, values);
            Row(shape.Queries(rowTokens), keys, values, before, shape, rule, output.narrow(0, row * batch.Width, count), pass.Pool);
            pass.Pool.Return(keys);
            pass.Pool.Return(values);
        }
        qkv.Done();
        return new Activation(output, needsGrad: false, pass.Pool);
    }

    /// <param name="queries">[count, kvHeads, group, headDim].</param>
    /// <param name="keys">[kvHeads, before + count, headDim].</param>
    /// <param name="output">[count, heads·headDim].</param>
    private static void Row(Tensor queries, Tensor keys, Tensor values, int before, AttentionShape shape, ScoreRule rule, Tensor output, BufferPool pool)
    {
        long count = queries.shape[0], seen = keys.shape[1];
        Tensor grouped = queries.permute(1, 2, 0, 3)
            .reshape(shape.KeyValueHeads, shape.Group * count, shape.HeadDim);
        Tensor scores = MatrixProduct.Batch(grouped, keys.transpose(1, 2), pool);
        CausalSoftmaxKernel.Forward(scores.view(-1, seen), rule, new ScorePlaces(0, shape.Group, shape.KeyValueHeads, (int)count, before, (int)seen));
        Tensor mixed = MatrixProduct.Batch(scores, values, pool).view(shape.KeyValueHeads, shape.Group, count, shape.HeadDim);
        output.view(count, shape.KeyValueHeads, shape.Group, shape.HeadDim).copy_(mixed.permute(2, 0, 1, 3));
    }
}
