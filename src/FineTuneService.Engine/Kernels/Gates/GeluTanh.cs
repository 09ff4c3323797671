using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>The tanh form of GELU (https://arxiv.org/abs/1606.08415): transformers' gelu_new, gelu_fast and gelu_pytorch_tanh.</summary>
internal readonly struct GeluTanh : IGate
{
    private const float Root = 0.7978845608028654f, Cubic = 0.044715f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Value<TLanes>(TLanes x, out TLanes slope)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes one = TLanes.Of(1), half = TLanes.Of(0.5f), square = x * x;
        TLanes tanh = Lane.Tanh(TLanes.Of(Root) * x * TLanes.MultiplyAdd(TLanes.Of(Cubic), square, one));
        TLanes inner = TLanes.Of(Root) * TLanes.MultiplyAdd(TLanes.Of(3 * Cubic), square, one);
        slope = half * (one + tanh) + half * x * (one - tanh * tanh) * inner;
        return half * x * (one + tanh);
    }
}
