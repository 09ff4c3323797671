using System.Buffers;
using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
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
    /// <param name="sequences">What the cache holds of each row, with room for one more token.</param>
    /// <param name="output">[rows, heads·headDim].</param>
    public static void Forward(Tensor tokens, CachedSequence[] sequences, int layer, Tensor output, AttentionShape shape)
    {
        var loop = new Problems(new(tokens), sequences, layer, new(output), shape.Heads, shape.KeyValueHeads, shape.HeadDim, shape.Scale);
        int seen = sequences.Max(sequence => sequence.Length) + 1;
        RowLoops.Run(loop, tokens.dtype, sequences.Length * shape.KeyValueHeads, shape.Group * seen * shape.HeadDim);
    }

    /// <summary>A "row" is a key/value head of a row of the batch, with the query heads that share it.</summary>
    private readonly unsafe struct Problems(
        RowMemory tokens, CachedSequence[] sequences, int layer, RowMemory output, int heads, int kvHeads, int headDim, float scale) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            float[] rented = ArrayPool<float>.Shared.Rent(sequences.Max(sequence => sequence.Length) + 1 + TLanes.Count);
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
            CachedSequence sequence = sequences[row];
            int before = sequence.Length, group = heads / kvHeads, at = before % KvCache.BlockTokens;
            T* token = tokens.Row<T>(row);
            CacheBlock last = sequence.Blocks[before / KvCache.BlockTokens];
            new Span<T>(token + (heads + kvHead) * headDim, headDim).CopyTo(new Span<T>(last.KeyRows<T>(layer, kvHead) + at * headDim, headDim));
            new Span<T>(token + (heads + kvHeads + kvHead) * headDim, headDim).CopyTo(new Span<T>(last.ValueRows<T>(layer, kvHead) + at * headDim, headDim));
            for (int head = kvHead * group; head < (kvHead + 1) * group; head++)
            {
                Score<TLanes, T>(token + head * headDim, sequence, kvHead, weights);
                float sum = CausalSoftmaxKernel.Exponentials<TLanes, float>(weights, before + 1, scale, weights);
                Mix<TLanes, T>(weights, 1 / sum, sequence, kvHead, output.Row<T>(row) + head * headDim);
            }
        }

        private void Score<TLanes, T>(T* query, CachedSequence sequence, int kvHead, float* scores)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int start = 0; start <= sequence.Length; start += KvCache.BlockTokens)
            {
                T* key = sequence.Blocks[start / KvCache.BlockTokens].KeyRows<T>(layer, kvHead);
                int count = Math.Min(KvCache.BlockTokens, sequence.Length + 1 - start);
                for (int i = 0; i < count; i++) scores[start + i] = Dot<TLanes, T>(query, key + i * headDim);
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

        private void Mix<TLanes, T>(float* weights, float inverse, CachedSequence sequence, int kvHead, T* target)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int i = 0; i < headDim; i += TLanes.Count)
            {
                TLanes sum = TLanes.Of(0);
                for (int start = 0; start <= sequence.Length; start += KvCache.BlockTokens)
                {
                    T* value = sequence.Blocks[start / KvCache.BlockTokens].ValueRows<T>(layer, kvHead) + i;
                    int count = Math.Min(KvCache.BlockTokens, sequence.Length + 1 - start);
                    for (int k = 0; k < count; k++)
                        sum = TLanes.MultiplyAdd(TLanes.Of(weights[start + k]), Lane.Load<TLanes, T>(value + k * headDim, headDim - i), sum);
                }
                Lane.Store(sum * TLanes.Of(inverse), target + i, headDim - i);
            }
        }
    }
}
