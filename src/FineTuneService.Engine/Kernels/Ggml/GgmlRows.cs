using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>
/// Rows of blocks, on registers of 512 or 256 bits: widened, or multiplied with a few tokens as they are read. Loops over a step's registers are
/// written out, since the compiler leaves such loops as they are.
/// </summary>
internal static unsafe class GgmlRows<TLanes, TBlock>
    where TLanes : struct, ILanes<TLanes>
    where TBlock : struct, IGgmlBlock
{
    private const int Step = 32, MostGroups = 16, Line = 64, AheadBytes = 2048;
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Writes a row's values.</summary>
    /// <param name="values">T is float or bf16's bits.</param>
    [SkipLocalsInit, MethodImpl(RowLoops.Compiled)]
    public static void Widen<T>(byte* row, int width, T* values)
        where T : unmanaged
    {
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups], halves = Packed.Halves;
        for (T* end = values + width; values < end; row += TBlock.Bytes)
        {
            TBlock.Prepare(row, halves, scales, minima);
            for (int step = 0; step < TBlock.Values / Step; step++, values += Step)
            {
                Vector256<sbyte> codes = TBlock.Codes(row, step);
                for (int i = 0; i < Step; i += TLanes.Count)
                {
                    int group = (step * Step + i) / TBlock.Group;
                    TLanes value = TLanes.Of(codes, i) * TLanes.Of(TBlock.Scale(row, halves, scales, group));
                    if (TBlock.HasMinima) value += TLanes.Of(TBlock.Minimum(row, halves, minima, group));
                    Lane.Store(value, values + i, TLanes.Count);
                }
            }
        }
    }

    /// <summary>Rows' products with a token.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="next">Bytes from a row to the next.</param>
    /// <param name="x">fp32 [width], each 32 of them arranged by <see cref="IGgmlBlock.Place"/>.</param>
    /// <param name="sums">Of each group of <see cref="IGgmlBlock.Group"/> numbers of x.</param>
    /// <param name="results">[rows].</param>
    [SkipLocalsInit, MethodImpl(RowLoops.Compiled)]
    public static void One(byte* row, nint next, int rows, int width, float* x, float* sums, float* results)
    {
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups], halves = Packed.Halves;
        for (float* last = results + rows; results < last; row += next, results++)
        {
            TLanes total = TLanes.Of(0);
            float lowest = 0;
            float* from = x, totals = sums;
            byte* block = row;
            for (float* end = x + width; from < end; block += TBlock.Bytes)
            {
                Ahead(block);
                TBlock.Prepare(block, halves, scales, minima);
                for (uint step = 0; step < TBlock.Values / Step; step++, from += Step, totals += Step / TBlock.Group)
                {
                    TBlock.Weights(block, (int)step, out TLanes w0, out TLanes w1, out TLanes w2, out TLanes w3);
                    int group = (int)step * (Step / TBlock.Group);
                    float scale = TBlock.Scale(block, halves, scales, group);
                    total = TLanes.MultiplyAdd(First(w0, w1, w2, w3, from), TLanes.Of(scale), total);
                    if (Lowers) lowest = MathF.FusedMultiplyAdd(Low(block, halves, minima, group, scale), totals[0], lowest);
                    if (TBlock.Group == Step) continue;
                    scale = TBlock.Scale(block, halves, scales, group + 1);
                    total = TLanes.MultiplyAdd(Second(w0, w1, w2, w3, from), TLanes.Of(scale), total);
                    if (Lowers) lowest = MathF.FusedMultiplyAdd(Low(block, halves, minima, group + 1, scale), totals[1], lowest);
                }
            }
            *results = TLanes.Sum(total) + lowest;
        }
    }

    /// <summary><see cref="One"/> for four tokens, which share the decoded weights.</summary>
    /// <param name="x">fp32 [4, width].</param>
    /// <param name="sums">[4, width / Group].</param>
    /// <param name="results">[4, rows].</param>
    [SkipLocalsInit, MethodImpl(RowLoops.Compiled)]
    public static void Four(byte* row, nint next, int rows, int width, float* x, float* sums, float* results)
    {
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups], halves = Packed.Halves;
        nint token = width, groups = width / TBlock.Group;
        for (float* last = results + rows; results < last; row += next, results++)
        {
            TLanes total0 = TLanes.Of(0), total1 = total0, total2 = total0, total3 = total0;
            Vector128<float> lowest = default;
            float* from = x, totals = sums;
            byte* block = row;
            for (float* end = x + width; from < end; block += TBlock.Bytes)
            {
                Ahead(block);
                TBlock.Prepare(block, halves, scales, minima);
                for (uint step = 0; step < TBlock.Values / Step; step++, from += Step, totals += Step / TBlock.Group)
                {
                    TBlock.Weights(block, (int)step, out TLanes w0, out TLanes w1, out TLanes w2, out TLanes w3);
                    int group = (int)step * (Step / TBlock.Group);
                    float scale = TBlock.Scale(block, halves, scales, group);
                    TLanes spread = TLanes.Of(scale);
                    total0 = TLanes.MultiplyAdd(First(w0, w1, w2, w3, from), spread, total0);
                    total1 = TLanes.MultiplyAdd(First(w0, w1, w2, w3, from + token), spread, total1);
                    total2 = TLanes.MultiplyAdd(First(w0, w1, w2, w3, from + 2 * token), spread, total2);
                    total3 = TLanes.MultiplyAdd(First(w0, w1, w2, w3, from + 3 * token), spread, total3);
                    if (Lowers) lowest = Lowest(Low(block, halves, minima, group, scale), totals, groups, lowest);
                    if (TBlock.Group == Step) continue;
                    scale = TBlock.Scale(block, halves, scales, group + 1);
                    spread = TLanes.Of(scale);
                    total0 = TLanes.MultiplyAdd(Second(w0, w1, w2, w3, from), spread, total0);
                    total1 = TLanes.MultiplyAdd(Second(w0, w1, w2, w3, from + token), spread, total1);
                    total2 = TLanes.MultiplyAdd(Second(w0, w1, w2, w3, from + 2 * token), spread, total2);
                    total3 = TLanes.MultiplyAdd(Second(w0, w1, w2, w3, from + 3 * token), spread, total3);
                    if (Lowers) lowest = Lowest(Low(block, halves, minima, group + 1, scale), totals + 1, groups, lowest);
                }
            }
            (results[0], results[rows]) = (TLanes.Sum(total0) + lowest[0], TLanes.Sum(total1) + lowest[1]);
            (results[2 * rows], results[3 * rows]) = (TLanes.Sum(total2) + lowest[2], TLanes.Sum(total3) + lowest[3]);
        }
    }

    /// <summary>
    /// Asks for what is read some 200 ns later. The processor's own guesses end at each page of 4 KiB, so that a third of a token's time went by
    /// in waiting for memory.
    /// </summary>
    [MethodImpl(Inline)]
    private static void Ahead(byte* block)
    {
        if (!Sse.IsSupported) return;
        for (int line = 0; line < TBlock.Bytes; line += Line) Sse.Prefetch0(block + AheadBytes + line);
    }

    /// <summary>Whether anything is added for the sum of a group of x.</summary>
    private static bool Lowers
    {
        [MethodImpl(Inline)]
        get => TBlock.HasMinima || TBlock.Offset != 0;
    }

    /// <summary>What is added for the sum of a group of x: its minimum, less the offset that its codes have.</summary>
    [MethodImpl(Inline)]
    private static float Low(byte* row, float* halves, float* minima, int group, float scale)
    {
        float minimum = TBlock.HasMinima ? TBlock.Minimum(row, halves, minima, group) : 0;
        return TBlock.Offset == 0 ? minimum : MathF.FusedMultiplyAdd(scale, -TBlock.Offset, minimum);
    }

    [MethodImpl(Inline)]
    private static Vector128<float> Lowest(float low, float* sums, nint next, Vector128<float> lowest) => Vector128.FusedMultiplyAdd(
        Vector128.Create(low), Vector128.Create(sums[0], sums[next], sums[2 * next], sums[3 * next]), lowest);

    /// <summary>Products of the step's first group, which may be all of it.</summary>
    [MethodImpl(Inline)]
    private static TLanes First(TLanes w0, TLanes w1, TLanes w2, TLanes w3, float* x)
    {
        TLanes products = w0 * TLanes.Load(x);
        if (TLanes.Count == 8 || TBlock.Group == Step) products = TLanes.MultiplyAdd(w1, TLanes.Load(x + TLanes.Count), products);
        if (TLanes.Count == 16 || TBlock.Group != Step) return products;
        return TLanes.MultiplyAdd(w3, TLanes.Load(x + 24), TLanes.MultiplyAdd(w2, TLanes.Load(x + 16), products));
    }

    /// <summary>Products of the step's second group.</summary>
    [MethodImpl(Inline)]
    private static TLanes Second(TLanes w0, TLanes w1, TLanes w2, TLanes w3, float* x) => TLanes.Count == 16
        ? w1 * TLanes.Load(x + 16) : TLanes.MultiplyAdd(w3, TLanes.Load(x + 24), w2 * TLanes.Load(x + 16));
}
