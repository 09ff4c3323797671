using System.Buffers;
using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Softmax of attention scores under the causal mask: in rows of one query each, query number i of its head sees the keys
/// 0…offset + i, and has probability 0 for the others. Exponentials are made once and kept in fp32 for a row.
/// </summary>
internal static class CausalSoftmaxKernel
{
    /// <param name="scores">[heads·queries, keys] fp32 or bf16: q·kᵀ becomes the probabilities.</param>
    /// <param name="queries">Queries of a head.</param>
    /// <param name="offset">Keys before the first query.</param>
    /// <param name="scale">Multiplies the scores.</param>
    public static void Forward(Tensor scores, int queries, int offset, float scale)
    {
        if (!scores.is_cpu()) CausalSoftmaxReference.Forward(scores, queries, offset, scale);
        else Run(new ForwardRows(new(scores), queries, offset, scale), scores);
    }

    /// <summary>Forward again, and the gradient by the unscaled scores: scale · p · (dp - sum of p · dp).</summary>
    /// <param name="scores">[heads·queries, keys]: q·kᵀ becomes the probabilities.</param>
    /// <param name="dProbabilities">[heads·queries, keys]: becomes the gradient by q·kᵀ.</param>
    public static void Backward(Tensor scores, Tensor dProbabilities, int queries, int offset, float scale)
    {
        if (!scores.is_cpu()) CausalSoftmaxReference.Backward(scores, dProbabilities, queries, offset, scale);
        else Run(new BackwardRows(new(scores), new(dProbabilities), queries, offset, scale), scores);
    }

    private static void Run<TLoop>(TLoop loop, Tensor scores)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, scores.dtype, (int)scores.size(0), (int)scores.size(1));

    /// <summary>scale · score, rounded where scores are bf16: transformers scales them in their own dtype.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Scaled<TLanes, T>(TLanes scores, float scale)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged => Lane.Rounded<TLanes, T>(scores * TLanes.Of(scale));

    /// <summary>Writes exp(scale · score - the largest) to <paramref name="exponentials"/> and returns their sum.</summary>
    /// <param name="exponentials">Has room for whole lanes; it may be the scores' own memory.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe float Exponentials<TLanes, T>(T* scores, int seen, float scale, float* exponentials)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged
    {
        TLanes most = TLanes.Of(float.NegativeInfinity), sum = TLanes.Of(0);
        for (int i = 0; i < seen; i += TLanes.Count)
            most = TLanes.Max(most, Lane.Load<TLanes, T>(scores + i, seen - i, float.NegativeInfinity));
        TLanes largest = Scaled<TLanes, T>(TLanes.Of(TLanes.Largest(most)), scale);
        int whole = seen - seen % TLanes.Count;
        for (int i = 0; i < whole; i += TLanes.Count)
        {
            TLanes e = Lane.Exp(Scaled<TLanes, T>(Lane.Load<TLanes, T>(scores + i, TLanes.Count), scale) - largest);
            TLanes.Store(e, exponentials + i);
            sum += e;
        }
        float total = TLanes.Sum(sum);
        if (whole == seen) return total;
        TLanes last = Lane.Exp(Scaled<TLanes, T>(Lane.Load<TLanes, T>(scores + whole, seen - whole), scale) - largest);
        TLanes.Store(last, exponentials + whole);
        for (int i = whole; i < whole + TLanes.Count; i++)
        {
            if (i < seen) total += exponentials[i];
            else exponentials[i] = 0;
        }
        return total;
    }

    private readonly unsafe struct ForwardRows(RowMemory scores, int queries, int offset, float scale) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int keys = scores.Width;
            float[] rented = ArrayPool<float>.Shared.Rent(keys + TLanes.Count);
            fixed (float* exponentials = rented)
            {
                for (int row = first; row < end; row++)
                {
                    T* source = scores.Row<T>(row);
                    int seen = Math.Min(keys, offset + row % queries + 1);
                    TLanes inverse = TLanes.Of(1 / Exponentials<TLanes, T>(source, seen, scale, exponentials));
                    for (int i = 0; i < seen; i += TLanes.Count) Lane.Store(TLanes.Load(exponentials + i) * inverse, source + i, keys - i);
                    new Span<T>(source + seen, keys - seen).Clear();
                }
            }
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    private readonly unsafe struct BackwardRows(RowMemory scores, RowMemory dProbabilities, int queries, int offset, float scale) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int keys = scores.Width;
            float[] rented = ArrayPool<float>.Shared.Rent(keys + TLanes.Count);
            fixed (float* exponentials = rented)
            {
                for (int row = first; row < end; row++)
                {
                    T* source = scores.Row<T>(row), gradient = dProbabilities.Row<T>(row);
                    int seen = Math.Min(keys, offset + row % queries + 1);
                    float inverse = 1 / Exponentials<TLanes, T>(source, seen, scale, exponentials);
                    TLanes dots = TLanes.Of(0);
                    for (int i = 0; i < seen; i += TLanes.Count)
                        dots = TLanes.MultiplyAdd(TLanes.Load(exponentials + i), Lane.Load<TLanes, T>(gradient + i, seen - i), dots);
                    TLanes mean = TLanes.Of(TLanes.Sum(dots) * inverse);
                    for (int i = 0; i < seen; i += TLanes.Count)
                    {
                        TLanes p = TLanes.Load(exponentials + i) * TLanes.Of(inverse);
                        TLanes d = Lane.Rounded<TLanes, T>(p * (Lane.Load<TLanes, T>(gradient + i, seen - i) - mean));
                        Lane.Store(p, source + i, keys - i);
                        Lane.Store(d * TLanes.Of(scale), gradient + i, keys - i);
                    }
                    new Span<T>(source + seen, keys - seen).Clear();
                    new Span<T>(gradient + seen, keys - seen).Clear();
                }
            }
            ArrayPool<float>.Shared.Return(rented);
        }
    }
}
