using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>x · sigmoid(x), https://arxiv.org/abs/1702.03118.</summary>
internal readonly struct Silu : IGate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Value<TLanes>(TLanes x, out TLanes slope)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = TLanes.Of(1), sigmoid = one / (one + Lane.Exp(TLanes.Of(0) - x)), silu = x * sigmoid;
        slope = TLanes.MultiplyAdd(silu, one - sigmoid, sigmoid);
        return silu;
    }
}
