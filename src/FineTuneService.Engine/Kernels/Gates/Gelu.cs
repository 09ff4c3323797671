using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>x · Φ(x), https://arxiv.org/abs/1606.08415, by the error function within 2·10⁻⁷.</summary>
internal readonly struct Gelu : IGate
{
    private const float InverseRootTwo = 0.7071067811865476f, Density = 0.3989422804014327f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Value<TLanes>(TLanes x, out TLanes slope)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes half = TLanes.Of(0.5f), below = half + half * Lane.Erf(x * TLanes.Of(InverseRootTwo));
        slope = TLanes.MultiplyAdd(x * TLanes.Of(Density), Lane.Exp(x * x * TLanes.Of(-0.5f)), below);
        return x * below;
    }
}
