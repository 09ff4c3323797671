using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>
/// Makes numbers of stored weights pair by pair, as that is how they are packed: two 4-bit codes in a byte, two bf16 numbers in 32
/// bits. An instance holds what decoding needs in registers.
/// </summary>
internal unsafe interface IPairDecoder<TSelf, TLanes>
    where TSelf : struct, IPairDecoder<TSelf, TLanes>
    where TLanes : struct, ILanes<TLanes>
{
    static abstract int PairBytes { get; }

    /// <param name="book">The values of the codes, where they are looked up.</param>
    static abstract TSelf Make(float* book);

    /// <summary>As many pairs as there are lanes: the first number of each, and the second.</summary>
    void Decode(byte* pairs, out TLanes even, out TLanes odd);
}
