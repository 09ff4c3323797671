using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>Rows of blocks, on one width of registers: widened, or multiplied with a few tokens as they are read.</summary>
internal static unsafe class GgmlRows<TLanes, TBlock>
    where TLanes : struct, ILanes<TLanes>
    where TBlock : struct, IGgmlBlock
{
    /// <summary>Tokens whose sums fit in registers beside the decoded weights.</summary>
    private const int Together = 4;

    private const int MostValues = 256, MostGroups = 16;

    private static int Groups => TBlock.Values / TBlock.Group;

    /// <summary>Writes a row's values.</summary>
    /// <param name="values">T is float or bf16's bits.</param>
    [MethodImpl(RowLoops.Compiled)]
    public static void Widen<T>(byte* row, int width, T* values)
        where T : unmanaged
    {
        sbyte* room = stackalloc sbyte[MostValues];
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups];
        for (T* end = values + width; values < end; row += TBlock.Bytes)
        {
            sbyte* codes = TBlock.Codes(row, room);
            TBlock.Scales(row, scales, minima);
            for (int group = 0; group < Groups; group++)
            {
                TLanes scale = TLanes.Of(scales[group]), minimum = TLanes.Of(TBlock.HasMinima ? minima[group] : 0);
                for (int i = 0; i < TBlock.Group; i += TLanes.Count, codes += TLanes.Count, values += TLanes.Count)
                {
                    TLanes value = TLanes.Load(codes) * scale;
                    Lane.Store(TBlock.HasMinima ? value + minimum : value, values, TLanes.Count);
                }
            }
        }
    }

    /// <summary>The row's products with every token.</summary>
    /// <param name="x">fp32 [tokens, width].</param>
    /// <param name="sums">Of each token's groups of <see cref="IGgmlBlock.Group"/> numbers, [tokens, width / Group]; not read where there are no
    /// minima.</param>
    public static void Products(byte* row, int width, float* x, float* sums, int tokens, float* products)
    {
        int groups = width / TBlock.Group, token = 0;
        for (; token + Together <= tokens; token += Together) Four(row, width, x + (long)token * width, sums + (long)token * groups, products + token);
        for (; token < tokens; token++) products[token] = One(row, width, x + (long)token * width, sums + (long)token * groups);
    }

    [MethodImpl(RowLoops.Compiled)]
    private static float One(byte* row, int width, float* x, float* sums)
    {
        sbyte* room = stackalloc sbyte[MostValues];
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups];
        TLanes total = TLanes.Of(0);
        float lowest = 0;
        for (float* end = x + width; x < end; row += TBlock.Bytes)
        {
            sbyte* codes = TBlock.Codes(row, room);
            TBlock.Scales(row, scales, minima);
            for (int group = 0; group < Groups; group++)
            {
                TLanes products = TLanes.Load(codes) * TLanes.Load(x);
                for (int i = TLanes.Count; i < TBlock.Group; i += TLanes.Count) products = TLanes.MultiplyAdd(TLanes.Load(codes + i), TLanes.Load(x + i), products);
                total = TLanes.MultiplyAdd(products, TLanes.Of(scales[group]), total);
                if (TBlock.HasMinima) lowest = MathF.FusedMultiplyAdd(minima[group], *sums++, lowest);
                codes += TBlock.Group;
                x += TBlock.Group;
            }
        }
        return TLanes.Sum(total) + lowest;
    }

    /// <summary><see cref="One"/> for four tokens, which share the decoded weights.</summary>
    [MethodImpl(RowLoops.Compiled)]
    private static void Four(byte* row, int width, float* x, float* sums, float* results)
    {
        sbyte* room = stackalloc sbyte[MostValues];
        float* scales = stackalloc float[MostGroups], minima = stackalloc float[MostGroups];
        TLanes total0 = TLanes.Of(0), total1 = total0, total2 = total0, total3 = total0;
        float lowest0 = 0, lowest1 = 0, lowest2 = 0, lowest3 = 0;
        int groups = width / TBlock.Group;
        for (float* end = x + width; x < end; row += TBlock.Bytes)
        {
            sbyte* codes = TBlock.Codes(row, room);
            TBlock.Scales(row, scales, minima);
            for (int group = 0; group < Groups; group++)
            {
                TLanes weights = TLanes.Load(codes);
                TLanes products0 = weights * TLanes.Load(x), products1 = weights * TLanes.Load(x + width);
                TLanes products2 = weights * TLanes.Load(x + 2 * width), products3 = weights * TLanes.Load(x + 3 * width);
                for (int i = TLanes.Count; i < TBlock.Group; i += TLanes.Count)
                {
                    weights = TLanes.Load(codes + i);
                    products0 = TLanes.MultiplyAdd(weights, TLanes.Load(x + i), products0);
                    products1 = TLanes.MultiplyAdd(weights, TLanes.Load(x + width + i), products1);
                    products2 = TLanes.MultiplyAdd(weights, TLanes.Load(x + 2 * width + i), products2);
                    products3 = TLanes.MultiplyAdd(weights, TLanes.Load(x + 3 * width + i), products3);
                }
                TLanes scale = TLanes.Of(scales[group]);
                total0 = TLanes.MultiplyAdd(products0, scale, total0);
                total1 = TLanes.MultiplyAdd(products1, scale, total1);
                total2 = TLanes.MultiplyAdd(products2, scale, total2);
                total3 = TLanes.MultiplyAdd(products3, scale, total3);
                if (TBlock.HasMinima)
                {
                    lowest0 = MathF.FusedMultiplyAdd(minima[group], *sums, lowest0);
                    lowest1 = MathF.FusedMultiplyAdd(minima[group], sums[groups], lowest1);
                    lowest2 = MathF.FusedMultiplyAdd(minima[group], sums[2 * groups], lowest2);
                    lowest3 = MathF.FusedMultiplyAdd(minima[group], sums[3 * groups], lowest3);
                    sums++;
                }
                codes += TBlock.Group;
                x += TBlock.Group;
            }
        }
        (results[0], results[1]) = (TLanes.Sum(total0) + lowest0, TLanes.Sum(total1) + lowest1);
        (results[2], results[3]) = (TLanes.Sum(total2) + lowest2, TLanes.Sum(total3) + lowest3);
    }
}
