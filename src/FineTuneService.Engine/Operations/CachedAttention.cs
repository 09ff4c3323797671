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
    /// <param name="qkv">[rows·width, (heads + 2·kvHeads)·headDim]; its buffer is given back.</param>
    /// <returns>[rows·width, heads·headDim]; undefined at padding.</returns>
    public static Activation Forward(Activation qkv, TokenBatch batch, AttentionShape shape, Rotation rotation, int layer, Pass pass)
    {
        Tensor tokens = qkv.Value;
        rotation.Apply(tokens, shape);
        Tensor output = pass.Pool.Lend(tokens.dtype, tokens.shape[0], shape.Heads * shape.HeadDim);
        if (batch.Width == 1 && tokens.is_cpu())
        {
            DecodeAttentionKernel.Forward(tokens, batch.Sequences, layer, output, shape);
            pass.Pool.Return(tokens);
            return new Activation(output, needsGrad: false);
        }
        if (batch.IsPadded) output.zero_();
        for (int row = 0; row < batch.Rows; row++)
        {
            int count = batch.Lengths[row], before = batch.Sequences[row].Length;
            Tensor rowTokens = tokens.narrow(0, row * batch.Width, count).view(count, -1, shape.HeadDim);
            batch.Sequences[row].Write(
                layer, rowTokens.narrow(1, shape.Heads, shape.KeyValueHeads), rowTokens.narrow(1, shape.Heads + shape.KeyValueHeads, shape.KeyValueHeads));
            Tensor keys = pass.Pool.Lend(tokens.dtype, shape.KeyValueHeads, before + count, shape.HeadDim);
            Tensor values = pass.Pool.Lend(tokens.dtype, shape.KeyValueHeads, before + count, shape.HeadDim);
            batch.Sequences[row].Read(layer, keys, values);
            Row(rowTokens.narrow(1, 0, shape.Heads), keys, values, before, shape, output.narrow(0, row * batch.Width, count), pass.Pool);
            pass.Pool.Return(keys);
            pass.Pool.Return(values);
        }
        pass.Pool.Return(tokens);
        return new Activation(output, needsGrad: false);
    }

    /// <param name="queries">[count, heads, headDim].</param>
    /// <param name="keys">[kvHeads, before + count, headDim].</param>
    /// <param name="output">[count, heads·headDim].</param>
    private static void Row(Tensor queries, Tensor keys, Tensor values, int before, AttentionShape shape, Tensor output, BufferPool pool)
    {
        long count = queries.shape[0], seen = keys.shape[1];
        Tensor grouped = queries.view(count, shape.KeyValueHeads, shape.Group, shape.HeadDim).permute(1, 2, 0, 3)
            .reshape(shape.KeyValueHeads, shape.Group * count, shape.HeadDim);
        Tensor scores = MatrixProduct.Batch(grouped, keys.transpose(1, 2), pool);
        CausalSoftmaxKernel.Forward(scores.view(-1, seen), (int)count, before, shape.Scale);
        Tensor mixed = MatrixProduct.Batch(scores, values, pool).view(shape.KeyValueHeads, shape.Group, count, shape.HeadDim);
        output.view(count, shape.KeyValueHeads, shape.Group, shape.HeadDim).copy_(mixed.permute(2, 0, 1, 3));
    }
}
