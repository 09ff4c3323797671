using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>A type whose values are signed bytes times a scale: what is its own of a block's reader.</summary>
internal unsafe interface IBlockCodes
{
    /// <inheritdoc cref="IGgmlBlock.Values"/>
    static abstract int Values { get; }

    static abstract int Bytes { get; }

    /// <inheritdoc cref="IGgmlBlock.Group"/>
    static abstract int Group { get; }

    /// <summary>Each group's scale.</summary>
    /// <param name="halves"><see cref="Packed.Halves"/>.</param>
    static abstract void Scales(byte* block, float* halves, float* scales);

    /// <inheritdoc cref="IGgmlBlock.Codes"/>
    static abstract Vector256<sbyte> Codes(byte* block, int step);
}

/// <summary>Such a type as kernels read it.</summary>
internal readonly unsafe struct CodedBlock<TCodes> : IGgmlBlock
    where TCodes : struct, IBlockCodes
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    public static int Values => TCodes.Values;

    public static int Bytes => TCodes.Bytes;

    public static int Group => TCodes.Group;

    public static bool HasMinima => false;

    public static float Offset => 0;

    [MethodImpl(Inline)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) => TCodes.Scales(block, halves, scales);

    [MethodImpl(Inline)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(Inline)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => 0;

    [MethodImpl(Inline)]
    public static Vector256<sbyte> Codes(byte* block, int step) => TCodes.Codes(block, step);

    [MethodImpl(Inline)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(TCodes.Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}
