using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>Finite fp16 numbers.</summary>
internal readonly unsafe struct HalfDecoder<TLanes> : IPairDecoder<HalfDecoder<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    public static int PairBytes => 4;

    public static HalfDecoder<TLanes> Make(float* book) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out TLanes even, out TLanes odd) => TLanes.LoadHalfPairs((uint*)pairs, out even, out odd);
}
