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
    private const int Step = 32, MostGroups = 16, Together = 4, Line = 64, AheadBytes = 2048;
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

    /// <summary>Rows' products with a token; four rows together, which share the reading of x.</summary>
    /// <param name="row">The first row.</param>
    /// <param name="next">Bytes from a row to the next.</param>
    /// <param name="x">fp32 [width], each 32 of them arranged by <see cref="IGgmlBlock.Place"/>.</param>
    /// <param name="results">[rows].</param>
    public static void One(byte* row, nint next, int rows, int width, float* x, float* results)
    {
        for (; rows >= Together; rows -= Together, row += Together * next, results += Together) FourRows(row, next, width, x, results);
        for (; rows > 0; rows--, row += next, results++) *results = Row(row, width, x);
    }

    /// <summary><see cref="One"/> for four tokens, which share the decoded weights.</summary>
    /// <param name="x">fp32 [4, width].</param>
    /// <param name="results">[4, rows].</param>
    [SkipLocalsInit, MethodImpl(RowLoops.Compiled)]
    public static void Four(byte* row, nint next, int rows, int width, float* x, float* results)
    {
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups], halves = Packed.Halves;
        nint token = width;
        for (float* last = results + rows; results < last; row += next, results++)
        {
            TLanes total0 = TLanes.Of(0), total1 = total0, total2 = total0, total3 = total0;
            float* from = x;
            byte* block = row;
            for (float* end = x + width; from < end; block += TBlock.Bytes)
            {
                Ahead(block + AheadBytes, TBlock.Bytes);
                TBlock.Prepare(block, halves, scales, minima);
                for (uint step = 0; step < TBlock.Values / Step; step++, from += Step)
                {
                    Weights(block, (int)step, halves, scales, minima, out TLanes w0, out TLanes w1, out TLanes w2, out TLanes w3);
                    total0 = Add(w0, w1, w2, w3, from, total0);
                    total1 = Add(w0, w1, w2, w3, from + token, total1);
                    total2 = Add(w0, w1, w2, w3, from + 2 * token, total2);
                    total3 = Add(w0, w1, w2, w3, from + 3 * token, total3);
                }
            }
            (results[0], results[rows], results[2 * rows], results[3 * rows]) = (TLanes.Sum(total0), TLanes.Sum(total1), TLanes.Sum(total2), TLanes.Sum(total3));
        }
    }

    [SkipLocalsInit, MethodImpl(RowLoops.Compiled)]
    private static void FourRows(byte* row, nint next, int width, float* x, float* results)
    {
        float* scales = stackalloc float[Together * MostGroups], minima = stackalloc float[Together * MostGroups], halves = Packed.Halves;
        TLanes total0 = TLanes.Of(0), total1 = total0, total2 = total0, total3 = total0;
        byte* ahead = row + 2 * Together * next;
        for (float* end = x + width; x < end; row += TBlock.Bytes, ahead += Together * TBlock.Bytes)
        {
            Ahead(ahead, Together * TBlock.Bytes);
            byte* second = row + next, third = second + next, fourth = third + next;
            TBlock.Prepare(row, halves, scales, minima);
            TBlock.Prepare(second, halves, scales + MostGroups, minima + MostGroups);
            TBlock.Prepare(third, halves, scales + 2 * MostGroups, minima + 2 * MostGroups);
            TBlock.Prepare(fourth, halves, scales + 3 * MostGroups, minima + 3 * MostGroups);
            for (uint step = 0; step < TBlock.Values / Step; step++, x += Step)
            {
                Weights(row, (int)step, halves, scales, minima, out TLanes w0, out TLanes w1, out TLanes w2, out TLanes w3);
                total0 = Add(w0, w1, w2, w3, x, total0);
                Weights(second, (int)step, halves, scales + MostGroups, minima + MostGroups, out w0, out w1, out w2, out w3);
                total1 = Add(w0, w1, w2, w3, x, total1);
                Weights(third, (int)step, halves, scales + 2 * MostGroups, minima + 2 * MostGroups, out w0, out w1, out w2, out w3);
                total2 = Add(w0, w1, w2, w3, x, total2);
                Weights(fourth, (int)step, halves, scales + 3 * MostGroups, minima + 3 * MostGroups, out w0, out w1, out w2, out w3);
                total3 = Add(w0, w1, w2, w3, x, total3);
            }
        }
        (results[0], results[1], results[2], results[3]) = (TLanes.Sum(total0), TLanes.Sum(total1), TLanes.Sum(total2), TLanes.Sum(total3));
    }

    [SkipLocalsInit, MethodImpl(RowLoops.Compiled)]
    private static float Row(byte* row, int width, float* x)
    {
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups], halves = Packed.Halves;
        TLanes total = TLanes.Of(0);
        for (float* end = x + width; x < end; row += TBlock.Bytes)
        {
            TBlock.Prepare(row, halves, scales, minima);
            for (uint step = 0; step < TBlock.Values / Step; step++, x += Step)
            {
                Weights(row, (int)step, halves, scales, minima, out TLanes w0, out TLanes w1, out TLanes w2, out TLanes w3);
                total = Add(w0, w1, w2, w3, x, total);
            }
        }
        return TLanes.Sum(total);
    }

    /// <summary>
    /// Asks for what is read some 200 ns later. The processor's own guesses end at each page of 4 KiB, so that a third of a token's time went by
    /// in waiting for memory.
    /// </summary>
    [MethodImpl(Inline)]
    private static void Ahead(byte* from, int bytes)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch0(from);
        if (bytes > Line) Sse.Prefetch0(from + Line);
        for (int line = 2 * Line; line < bytes; line += Line) Sse.Prefetch0(from + line);
    }

    /// <summary>A step's values, but for the last bit or two: scale · code + minimum, less the offset that its codes have.</summary>
    [MethodImpl(Inline)]
    private static void Weights(byte* block, int step, float* halves, float* scales, float* minima, out TLanes w0, out TLanes w1, out TLanes w2, out TLanes w3)
    {
        TBlock.Weights(block, step, out w0, out w1, out w2, out w3);
        int group = step * (Step / TBlock.Group);
        float scale = TBlock.Scale(block, halves, scales, group);
        TLanes spread = TLanes.Of(scale), low = TLanes.Of(Low(block, halves, minima, group, scale));
        w0 = Value(w0, spread, low);
        if (TLanes.Count == 8 || TBlock.Group == Step) w1 = Value(w1, spread, low);
        if (TBlock.Group != Step)
        {
            scale = TBlock.Scale(block, halves, scales, group + 1);
            (spread, low) = (TLanes.Of(scale), TLanes.Of(Low(block, halves, minima, group + 1, scale)));
            if (TLanes.Count == 16) w1 = Value(w1, spread, low);
        }
        if (TLanes.Count == 8) (w2, w3) = (Value(w2, spread, low), Value(w3, spread, low));
    }

    [MethodImpl(Inline)]
    private static TLanes Value(TLanes code, TLanes scale, TLanes low) =>
        TBlock.HasMinima || TBlock.Offset != 0 ? TLanes.MultiplyAdd(code, scale, low) : code * scale;

    [MethodImpl(Inline)]
    private static float Low(byte* block, float* halves, float* minima, int group, float scale)
    {
        float minimum = TBlock.HasMinima ? TBlock.Minimum(block, halves, minima, group) : 0;
        return TBlock.Offset == 0 ? minimum : MathF.FusedMultiplyAdd(scale, -TBlock.Offset, minimum);
    }

    [MethodImpl(Inline)]
    private static TLanes Add(TLanes w0, TLanes w1, TLanes w2, TLanes w3, float* x, TLanes total)
    {
        total = TLanes.MultiplyAdd(w1, TLanes.Load(x + TLanes.Count), TLanes.MultiplyAdd(w0, TLanes.Load(x), total));
        return TLanes.Count == 16 ? total : TLanes.MultiplyAdd(w3, TLanes.Load(x + 24), TLanes.MultiplyAdd(w2, TLanes.Load(x + 16), total));
    }
}
