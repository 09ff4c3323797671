using System.Buffers;
using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Attention where every row of the batch has one new token: its key and value go into the cache, and its queries see all that the
/// cache holds of the row. Scores and sums are fp32. A row's result is the same bits whatever other rows are there. As tensor
/// operations this is a dozen calls a row and layer, which cost more than the weights' products.
/// </summary>
internal static class DecodeAttentionKernel
{
    /// <param name="tokens">[rows, (heads + 2·kvHeads)·headDim] fp32 or bf16, contiguous, on the CPU: queries, keys, values; rotated.</param>
    /// <param name="keys">[slots, kvHeads, capacity, headDim]: a layer's cache.</param>
    /// <param name="values">As the keys.</param>
    /// <param name="slots">The rows' places in the cache.</param>
    /// <param name="lengths">Tokens that the cache holds of each row.</param>
    /// <param name="output">[rows, heads·headDim].</param>
    /// <param name="scale">Multiplies the scores.</param>
    public static void Forward(Tensor tokens, Tensor keys, Tensor values, int[] slots, int[] lengths, Tensor output, float scale)
    {
        int kvHeads = (int)keys.size(1), capacity = (int)keys.size(2), headDim = (int)keys.size(3);
        int heads = (int)output.size(1) / headDim, seen = lengths.Max() + 1;
        var loop = new Problems(new(tokens), new(keys), new(values), slots, lengths, new(output), heads, kvHeads, capacity, headDim, scale);
        RowLoops.Run(loop, tokens.dtype, slots.Length * kvHeads, heads / kvHeads * seen * headDim);
    }

    /// <summary>A "row" is a key/value head of a row of the batch, with the query heads that share it.</summary>
    private readonly unsafe struct Problems(
        RowMemory tokens, RowMemory keys, RowMemory values, int[] slots, int[] lengths, RowMemory output,
        int heads, int kvHeads, int capacity, int headDim, float scale) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            float[] rented = ArrayPool<float>.Shared.Rent(capacity + TLanes.Count);
            fixed (float* weights = rented)
            {
                for (int problem = first; problem < end; problem++) Problem<TLanes, T>(problem / kvHeads, problem % kvHeads, weights);
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        private void Problem<TLanes, T>(int row, int kvHead, float* weights)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int start = (slots[row] * kvHeads + kvHead) * capacity, before = lengths[row], group = heads / kvHeads;
            T* token = tokens.Row<T>(row), key = keys.Row<T>(start), value = values.Row<T>(start);
            new Span<T>(token + (heads + kvHead) * headDim, headDim).CopyTo(new Span<T>(key + (long)before * headDim, headDim));
            new Span<T>(token + (heads + kvHeads + kvHead) * headDim, headDim).CopyTo(new Span<T>(value + (long)before * headDim, headDim));
            for (int head = kvHead * group; head < (kvHead + 1) * group; head++)
            {
                for (int i = 0; i <= before; i++) weights[i] = Dot<TLanes, T>(token + head * headDim, key + (long)i * headDim);
                float sum = CausalSoftmaxKernel.Exponentials<TLanes, float>(weights, before + 1, scale, weights);
                Mix<TLanes, T>(weights, 1 / sum, value, before + 1, output.Row<T>(row) + head * headDim);
            }
        }

        private float Dot<TLanes, T>(T* query, T* key)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            TLanes sum = TLanes.Of(0);
            for (int i = 0; i < headDim; i += TLanes.Count)
                sum = TLanes.MultiplyAdd(Lane.Load<TLanes, T>(query + i, headDim - i), Lane.Load<TLanes, T>(key + i, headDim - i), sum);
            return TLanes.Sum(sum);
        }

        private void Mix<TLanes, T>(float* weights, float inverse, T* value, int seen, T* target)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int i = 0; i < headDim; i += TLanes.Count)
            {
                TLanes sum = TLanes.Of(0);
                for (int k = 0; k < seen; k++)
                    sum = TLanes.MultiplyAdd(TLanes.Of(weights[k]), Lane.Load<TLanes, T>(value + (long)k * headDim + i, headDim - i), sum);
                Lane.Store(sum * TLanes.Of(inverse), target + i, headDim - i);
            }
        }
    }
}
