using System.Runtime.CompilerServices;
using TorchSharp;

namespace FineTuneService.Engine.Kernels.Lanes;

/// <summary>What kernels do with lanes of either element type, float or <see cref="BFloat16"/>; a row's end may fill only some lanes.</summary>
internal static unsafe class Lane
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>The next elements; where fewer than the lanes are left, <paramref name="fill"/> in the others.</summary>
    [MethodImpl(Inline)]
    public static TLanes Load<TLanes, T>(T* source, int left, float fill = 0)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged => left >= TLanes.Count ? Full<TLanes, T>(source) : Some<TLanes, T>(source, left, fill);

    /// <summary>Stores no more than <paramref name="left"/> elements, rounded to their type.</summary>
    [MethodImpl(Inline)]
    public static void Store<TLanes, T>(TLanes values, T* target, int left)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged
    {
        if (left < TLanes.Count) StoreSome(values, target, left);
        else if (typeof(T) == typeof(float)) TLanes.Store(values, (float*)target);
        else TLanes.Store(values, (ushort*)target);
    }

    /// <summary>The values as they are when stored as T and loaded again.</summary>
    [MethodImpl(Inline)]
    public static TLanes Rounded<TLanes, T>(TLanes values)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged => typeof(T) == typeof(float) ? values : TLanes.RoundToBFloat16(values);

    /// <summary>
    /// eˣ within 2 units of the last place, for -87…88, and the value at the nearer end outside. Cephes' expf: x = n·ln 2 + r,
    /// a polynomial in r.
    /// </summary>
    [MethodImpl(Inline)]
    public static TLanes Exp<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes>
    {
        x = TLanes.Max(TLanes.Min(x, TLanes.Of(88)), TLanes.Of(-87));
        TLanes n = TLanes.Round(x * TLanes.Of(1.44269504f));
        TLanes r = TLanes.MultiplyAdd(n, TLanes.Of(-0.693359375f), x);
        r = TLanes.MultiplyAdd(n, TLanes.Of(2.12194440e-4f), r);
        TLanes p = TLanes.Of(1.9875691500e-4f);
        p = TLanes.MultiplyAdd(p, r, TLanes.Of(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Of(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Of(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Of(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Of(5.0000001201e-1f));
        return TLanes.MultiplyAdd(p, r * r, r + TLanes.Of(1)) * TLanes.PowerOfTwo(n);
    }

    /// <summary>tanh x within 2·10⁻⁷.</summary>
    [MethodImpl(Inline)]
    public static TLanes Tanh<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = TLanes.Of(1);
        return one - TLanes.Of(2) / (Exp(x + x) + one);
    }

    /// <summary>The error function within 2·10⁻⁷ (Abramowitz and Stegun, 7.1.26; it is odd).</summary>
    [MethodImpl(Inline)]
    public static TLanes Erf<TLanes>(TLanes x)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = TLanes.Of(1), size = TLanes.Max(x, TLanes.Of(0) - x), t = one / TLanes.MultiplyAdd(TLanes.Of(0.3275911f), size, one);
        TLanes p = TLanes.Of(1.061405429f);
        p = TLanes.MultiplyAdd(p, t, TLanes.Of(-1.453152027f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Of(1.421413741f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Of(-0.284496736f));
        p = TLanes.MultiplyAdd(p, t, TLanes.Of(0.254829592f));
        TLanes erf = one - p * t * Exp(TLanes.Of(0) - size * size);
        // x / |x| is the sign; at 0 the result is 0 whatever it is.
        return erf * (x / TLanes.Max(size, TLanes.Of(1e-30f)));
    }

    [MethodImpl(Inline)]
    private static TLanes Full<TLanes, T>(T* source)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged => typeof(T) == typeof(float) ? TLanes.Load((float*)source) : TLanes.Load((ushort*)source);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TLanes Some<TLanes, T>(T* source, int left, float fill)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged
    {
        float* values = stackalloc float[16];
        for (int i = 0; i < TLanes.Count; i++)
        {
            if (i >= left) values[i] = fill;
            else Lanes1.Store(Full<Lanes1, T>(source + i), values + i);
        }
        return TLanes.Load(values);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreSome<TLanes, T>(TLanes values, T* target, int left)
        where TLanes : struct, ILanes<TLanes>
        where T : unmanaged
    {
        float* all = stackalloc float[16];
        TLanes.Store(values, all);
        for (int i = 0; i < left; i++) Store(Lanes1.Of(all[i]), target + i, 1);
    }
}
