using System.Runtime.CompilerServices;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>bf16 numbers, which are the high halves of fp32 ones.</summary>
internal readonly unsafe struct Bf16Decoder<TLanes> : IPairDecoder<Bf16Decoder<TLanes>, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    public static int PairBytes => 4;

    public static Bf16Decoder<TLanes> Make(float* book) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decode(byte* pairs, out TLanes even, out TLanes odd) => TLanes.LoadPairs((uint*)pairs, out even, out odd);
}
