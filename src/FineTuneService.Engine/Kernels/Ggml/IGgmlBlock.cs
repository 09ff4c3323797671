using System.Runtime.Intrinsics;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>
/// Blocks of a ggml type, as kernels read them, 32 values at a time: every value is scale · code + minimum, its code a signed byte, its scale and
/// minimum those of its group. The numbers are, to the bit, those that <see cref="Formats.Gguf.GgmlType.Decode"/> gives.
/// </summary>
internal unsafe interface IGgmlBlock
{
    /// <summary>Values of a block: 32 or 256.</summary>
    static abstract int Values { get; }

    static abstract int Bytes { get; }

    /// <summary>Values that share a scale: 16 or 32.</summary>
    static abstract int Group { get; }

    static abstract bool HasMinima { get; }

    /// <summary>What products have added to each code, because codes are made faster so; it is taken off as they are scaled.</summary>
    static abstract float Offset { get; }

    /// <summary>Unpacks a block's scales, where they are packed.</summary>
    /// <param name="halves"><see cref="Packed.Halves"/>.</param>
    static abstract void Prepare(byte* block, float* halves, float* scales, float* minima);

    /// <summary>A group's scale: from the block, or as it was unpacked.</summary>
    static abstract float Scale(byte* block, float* halves, float* scales, int group);

    /// <inheritdoc cref="Scale"/>
    static abstract float Minimum(byte* block, float* halves, float* minima, int group);

    /// <summary>The codes of 32 values, in their order.</summary>
    /// <param name="step">Which 32 of the block.</param>
    static abstract Vector256<sbyte> Codes(byte* block, int step);

    /// <summary>The same as numbers, with <see cref="Offset"/>: two registers of 512 bits, or four of 256.</summary>
    static abstract void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes>;

    /// <summary>Which of the 32 values comes in a place of <see cref="Weights"/>.</summary>
    static abstract int Place(int at);
}
