using System.Buffers;
using System.Runtime.CompilerServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels.Lanes;
using FineTuneService.Engine.Kernels.References;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Softmax of attention scores under the causal mask and a <see cref="ScoreRule"/>, in rows of one query each; keys that a query does not see
/// have probability 0. Exponentials are made once and kept in fp32 for a row.
/// </summary>
internal static class CausalSoftmaxKernel
{
    /// <param name="scores">[heads·queries, keys] fp32 or bf16: q·kᵀ becomes the probabilities.</param>
    public static void Forward(Tensor scores, ScoreRule rule, ScorePlaces places)
    {
        if (!scores.is_cpu()) CausalSoftmaxReference.Forward(scores, rule, places);
        else Run(new ForwardRows(new(scores), rule, places), scores);
    }

    /// <summary>Forward again, and the gradient by q·k: scale · slope of the rule · p · (dp - sum of p · dp).</summary>
    /// <param name="scores">[heads·queries, keys]: q·kᵀ becomes the probabilities.</param>
    /// <param name="dProbabilities">[heads·queries, keys]: becomes the gradient by q·kᵀ.</param>
    public static void Backward(Tensor scores, Tensor dProbabilities, ScoreRule rule, ScorePlaces places)
    {
        if (!scores.is_cpu()) CausalSoftmaxReference.Backward(scores, dProbabilities, rule, places);
        else Run(new BackwardRows(new(scores), new(dProbabilities), rule, places), scores);
    }

    private static void Run<TLoop>(TLoop loop, Tensor scores)
        where TLoop : struct, IRowLoop => RowLoops.Run(loop, scores.dtype, (int)scores.size(0), (int)scores.size(1));

    /// <summary>scale · score, rounded where scores are bf16: transformers scales them in their own dtype.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Scaled<TLanes, T>(TLanes scores, float scale)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged => Lane.Rounded<TLanes, T>(scores * TLanes.Of(scale));

    /// <summary>Writes the scores that the rule makes of q·k, ready for the softmax; keys from position <paramref name="firstKey"/> on.</summary>
    [MethodImpl(RowLoops.Compiled)]
    public static unsafe void Prepare<TLanes, T>(T* scores, int firstKey, int count, ScoreRule rule, int head, float* prepared)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged
    {
        float slope = rule.Slopes is { } slopes ? slopes[head] : 0;
        for (int i = 0; i < count; i += TLanes.Count)
        {
            TLanes score = Lane.Load<TLanes, T>(scores + i, count - i);
            if (slope != 0) score += TLanes.RoundToBFloat16(TLanes.Of(slope) * Positions<TLanes>(firstKey + i));
            score = Scaled<TLanes, T>(score, rule.Scale);
            if (rule.SoftCap != 0) score = TLanes.Of(rule.SoftCap) * Lane.Tanh(score / TLanes.Of(rule.SoftCap));
            TLanes.Store(score, prepared + i);
        }
    }

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

    private static unsafe TLanes Positions<TLanes>(int first)
        where TLanes : struct, ILanes<TLanes>
    {
        float* positions = stackalloc float[16];
        for (int i = 0; i < TLanes.Count; i++) positions[i] = first + i;
        return TLanes.Load(positions);
    }

    private readonly unsafe struct ForwardRows(RowMemory scores, ScoreRule rule, ScorePlaces places) : IRowLoop
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
                    int query = places.Query(row), from = rule.FirstKey(places, row, query), seen = Math.Min(keys, query + 1) - from;
                    TLanes inverse = TLanes.Of(1 / Softmax<TLanes, T>(source + from, from, seen, row, exponentials));
                    new Span<T>(source, from).Clear();
                    for (int i = 0; i < seen; i += TLanes.Count) Lane.Store(TLanes.Load(exponentials + i) * inverse, source + from + i, keys - from - i);
                    new Span<T>(source + from + seen, keys - from - seen).Clear();
                }
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        [MethodImpl(RowLoops.Compiled)]
        private float Softmax<TLanes, T>(T* source, int from, int seen, int row, float* exponentials)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            if (rule.OnlyScales) return Exponentials<TLanes, T>(source, seen, rule.Scale, exponentials);
            Prepare<TLanes, T>(source, from - rule.Start(places, row, places.Query(row)), seen, rule, places.Head(row), exponentials);
            return Exponentials<TLanes, float>(exponentials, seen, 1, exponentials);
        }
    }

    private readonly unsafe struct BackwardRows(RowMemory scores, RowMemory dProbabilities, ScoreRule rule, ScorePlaces places) : IRowLoop
    {
        [MethodImpl(RowLoops.Compiled)]
        public void Rows<TLanes, T>(int first, int end)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            int keys = scores.Width;
            float[] rented = ArrayPool<float>.Shared.Rent(2 * (keys + TLanes.Count));
            fixed (float* exponentials = rented)
            {
                float* prepared = rule.OnlyScales ? null : exponentials + keys + TLanes.Count;
                float cap = rule.SoftCap;
                TLanes scale = TLanes.Of(rule.Scale);
                for (int row = first; row < end; row++)
                {
                    int query = places.Query(row), from = rule.FirstKey(places, row, query), seen = Math.Min(keys, query + 1) - from;
                    T* source = scores.Row<T>(row) + from, gradient = dProbabilities.Row<T>(row) + from;
                    float inverse = 1 / Softmax<TLanes, T>(source, from, seen, row, exponentials, prepared);
                    TLanes dots = TLanes.Of(0);
                    for (int i = 0; i < seen; i += TLanes.Count)
                        dots = TLanes.MultiplyAdd(TLanes.Load(exponentials + i), Lane.Load<TLanes, T>(gradient + i, seen - i), dots);
                    TLanes mean = TLanes.Of(TLanes.Sum(dots) * inverse);
                    for (int i = 0; i < seen; i += TLanes.Count)
                    {
                        TLanes p = TLanes.Load(exponentials + i) * TLanes.Of(inverse);
                        TLanes d = Lane.Rounded<TLanes, T>(p * (Lane.Load<TLanes, T>(gradient + i, seen - i) - mean));
                        Lane.Store(p, source + i, keys - from - i);
                        Lane.Store(d * scale, gradient + i, keys - from - i);
                    }
                    if (cap != 0) Slopes<TLanes, T>(gradient, prepared, seen, cap);
                    Clear(source, from, keys, seen);
                    Clear(gradient, from, keys, seen);
                }
            }
            ArrayPool<float>.Shared.Return(rented);
        }

        [MethodImpl(RowLoops.Compiled)]
        private float Softmax<TLanes, T>(T* source, int from, int seen, int row, float* exponentials, float* prepared)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            if (prepared == null) return Exponentials<TLanes, T>(source, seen, rule.Scale, exponentials);
            Prepare<TLanes, T>(source, from - rule.Start(places, row, places.Query(row)), seen, rule, places.Head(row), prepared);
            return Exponentials<TLanes, float>(prepared, seen, 1, exponentials);
        }

        /// <summary>Multiplies gradients by the cap's slope, 1 - tanh². A loop of its own: the other is every model's.</summary>
        [MethodImpl(RowLoops.Compiled)]
        private static void Slopes<TLanes, T>(T* gradient, float* capped, int seen, float cap)
            where TLanes : struct, ILanes<TLanes>
            where T : unmanaged
        {
            for (int i = 0; i < seen; i += TLanes.Count)
            {
                TLanes tanh = TLanes.Load(capped + i) / TLanes.Of(cap);
                Lane.Store(Lane.Load<TLanes, T>(gradient + i, seen - i) * (TLanes.Of(1) - tanh * tanh), gradient + i, seen - i);
            }
        }

        /// <summary>Zeros for the keys that are not seen, before and after those from <paramref name="source"/> on.</summary>
        private static void Clear<T>(T* source, int from, int keys, int seen)
            where T : unmanaged
        {
            new Span<T>(source - from, from).Clear();
            new Span<T>(source + seen, keys - from - seen).Clear();
        }
    }
}
