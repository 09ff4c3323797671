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
    public static void Forward(Tensor tokens, CachedSequence[] sequences, int layer, Tensor output, AttentionShape shape, ScoreRule rule)
    {
        var loop = new Problems(new(tokens), sequences, layer, new(output), shape, rule);
        int seen = sequences.Max(sequence => sequence.Length) + 1;
        RowLoops.Run(loop, tokens.dtype, sequences.Length * shape.KeyValueHeads, shape.Group * seen * shape.HeadDim);
    }

    /// <summary>A "row" is a key/value head of a row of the batch, with the query heads that share it.</summary>
    private readonly unsafe struct Problems(
        RowMemory tokens, CachedSequence[] sequences, int layer, RowMemory output, AttentionShape shape, ScoreRule rule) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            float[] rented = ArrayPool<float>.Shared.Rent(sequences.Max(sequence => sequence.Length) + 1 + TLanes.Count);
            fixed (float* weights = rented)
            {
                for (int problem = first; problem < end; problem++) Problem<TLanes, T>(problem / shape.KeyValueHeads, problem % shape.KeyValueHeads, weights);
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        private void Problem<TLanes, T>(int row, int kvHead, float* weights)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            CachedSequence sequence = sequences[row];
            int before = sequence.Length, headDim = shape.HeadDim, at = before % KvCache.BlockTokens, first = rule.FirstKey(before);
            T* token = tokens.Row<T>(row);
            CacheBlock last = sequence.Blocks[before / KvCache.BlockTokens];
            new Span<T>(token + shape.KeySlot(kvHead) * headDim, headDim).CopyTo(new Span<T>(last.KeyRows<T>(layer, kvHead) + at * headDim, headDim));
            new Span<T>(token + shape.ValueSlot(kvHead) * headDim, headDim).CopyTo(new Span<T>(last.ValueRows<T>(layer, kvHead) + at * headDim, headDim));
            for (int i = 0; i < shape.Group; i++)
            {
                int head = kvHead * shape.Group + i;
                Score<TLanes, T>(token + shape.QuerySlot(kvHead, i) * headDim, sequence, kvHead, first, weights);
                float sum = Exponentials<TLanes>(weights + first, first, before + 1 - first, head);
                Mix<TLanes, T>(weights, 1 / sum, sequence, kvHead, first, output.Row<T>(row) + head * headDim);
            }
        }

        private float Exponentials<TLanes>(float* weights, int first, int count, int head)
            where TLanes : struct, ILanes<TLanes>
        {
            if (rule.OnlyScales) return CausalSoftmaxKernel.Exponentials<TLanes, float>(weights, count, rule.Scale, weights);
            CausalSoftmaxKernel.Prepare<TLanes, float>(weights, first, count, rule, head, weights);
            return CausalSoftmaxKernel.Exponentials<TLanes, float>(weights, count, 1, weights);
        }

        private void Score<TLanes, T>(T* query, CachedSequence sequence, int kvHead, int first, float* scores)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int start = first - first % KvCache.BlockTokens; start <= sequence.Length; start += KvCache.BlockTokens)
            {
                T* key = sequence.Blocks[start / KvCache.BlockTokens].KeyRows<T>(layer, kvHead);
                int count = Math.Min(KvCache.BlockTokens, sequence.Length + 1 - start);
                for (int i = Math.Max(0, first - start); i < count; i++) scores[start + i] = Dot<TLanes, T>(query, key + i * shape.HeadDim);
            }
        }

        private float Dot<TLanes, T>(T* query, T* key)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int headDim = shape.HeadDim;
            TLanes sum = TLanes.Of(0);
            for (int i = 0; i < headDim; i += TLanes.Count)
                sum = TLanes.MultiplyAdd(Lane.Load<TLanes, T>(query + i, headDim - i), Lane.Load<TLanes, T>(key + i, headDim - i), sum);
            return TLanes.Sum(sum);
        }

        /// <summary>Four registers of the head at a time: one sum waits four cycles for its next addend.</summary>
        private void Mix<TLanes, T>(float* weights, float inverse, CachedSequence sequence, int kvHead, int first, T* target)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int headDim = shape.HeadDim, i = 0, four = 4 * TLanes.Count;
            TLanes scale = TLanes.Of(inverse);
            for (; i + four <= headDim; i += four)
            {
                TLanes sum0 = TLanes.Of(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
                for (int start = first - first % KvCache.BlockTokens; start <= sequence.Length; start += KvCache.BlockTokens)
                {
                    int count = Math.Min(KvCache.BlockTokens, sequence.Length + 1 - start), k = Math.Max(0, first - start);
                    T* value = sequence.Blocks[start / KvCache.BlockTokens].ValueRows<T>(layer, kvHead) + i + k * headDim;
                    for (; k < count; k++, value += headDim)
                    {
                        TLanes weight = TLanes.Of(weights[start + k]);
                        sum0 = TLanes.MultiplyAdd(weight, Lane.Load<TLanes, T>(value, four), sum0);
                        sum1 = TLanes.MultiplyAdd(weight, Lane.Load<TLanes, T>(value + TLanes.Count, four), sum1);
                        sum2 = TLanes.MultiplyAdd(weight, Lane.Load<TLanes, T>(value + 2 * TLanes.Count, four), sum2);
                        sum3 = TLanes.MultiplyAdd(weight, Lane.Load<TLanes, T>(value + 3 * TLanes.Count, four), sum3);
                    }
                }
                Lane.Store(sum0 * scale, target + i, four);
                Lane.Store(sum1 * scale, target + i + TLanes.Count, four);
                Lane.Store(sum2 * scale, target + i + 2 * TLanes.Count, four);
                Lane.Store(sum3 * scale, target + i + 3 * TLanes.Count, four);
            }
            for (; i < headDim; i += TLanes.Count)
            {
                TLanes sum = TLanes.Of(0);
                for (int start = first - first % KvCache.BlockTokens; start <= sequence.Length; start += KvCache.BlockTokens)
                {
                    T* value = sequence.Blocks[start / KvCache.BlockTokens].ValueRows<T>(layer, kvHead) + i;
                    int count = Math.Min(KvCache.BlockTokens, sequence.Length + 1 - start);
                    for (int k = Math.Max(0, first - start); k < count; k++)
                        sum = TLanes.MultiplyAdd(TLanes.Of(weights[start + k]), Lane.Load<TLanes, T>(value + k * headDim, headDim - i), sum);
                }
                Lane.Store(sum * scale, target + i, headDim - i);
            }
        }
    }
}
