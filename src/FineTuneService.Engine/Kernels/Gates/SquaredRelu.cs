using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>max(x, 0)², https://arxiv.org/abs/2109.08668.</summary>
internal readonly struct SquaredRelu : IGate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Value<TLanes>(TLanes x, out TLanes slope)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes positive = TLanes.Max(x, TLanes.Of(0));
        slope = TLanes.Of(2) * positive;
        return positive * positive;
    }
}
