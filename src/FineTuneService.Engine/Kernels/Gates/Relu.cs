using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>max(x, 0).</summary>
internal readonly struct Relu : IGate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Value<TLanes>(TLanes x, out TLanes slope)
        where TLanes : struct, ILanes<TLanes>
    {
        // 1 above 0, and 0 below: what is left of x, times a number that makes it at least 1, and no more than 1.
        slope = TLanes.Min(TLanes.Max(x, TLanes.Of(0)) * TLanes.Of(float.MaxValue), TLanes.Of(1));
        return TLanes.Max(x, TLanes.Of(0));
    }
}
