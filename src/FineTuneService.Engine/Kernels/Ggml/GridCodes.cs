using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FineTuneService.Engine.Formats.Gguf.Blocks;

namespace FineTuneService.Engine.Kernels.Ggml;

// The IQ types of 256 values whose codes are vectors of a grid: see Formats/Gguf/Blocks for how their bytes lie.

internal readonly unsafe struct Iq2XxsCodes : IBlockCodes
{
    private static readonly ulong* s_grid = (ulong*)GridTable.Of(Grids.Iq2Xxs);

    public static int Values => 256;

    public static int Bytes => 66;

    public static int Group => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales)
    {
        float scale = halves[*(ushort*)block];
        for (int group = 0; group < 8; group++) scales[group] = scale * (0.5f + (*(uint*)(block + 6 + 8 * group) >> 28)) * 0.25f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        byte* at = block + 2 + 8 * step;
        return GridTable.Signed(Vector256.Create(s_grid[at[0]], s_grid[at[1]], s_grid[at[2]], s_grid[at[3]]).AsByte(), GridTable.EvenSigns(*(uint*)(at + 4)));
    }
}

internal readonly unsafe struct Iq2XsCodes : IBlockCodes
{
    private static readonly ulong* s_grid = (ulong*)GridTable.Of(Grids.Iq2Xs);

    public static int Values => 256;

    public static int Bytes => 74;

    public static int Group => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales) => Halves2(halves[*(ushort*)block], block + 66, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        var words = (ushort*)(block + 2 + 8 * step);
        uint signs = GridTable.EvenSigns7((uint)words[0] >> 9) | GridTable.EvenSigns7((uint)words[1] >> 9) << 8 | GridTable.EvenSigns7((uint)words[2] >> 9) << 16 | GridTable.EvenSigns7((uint)words[3] >> 9) << 24;
        return GridTable.Signed(Vector256.Create(s_grid[words[0] & 511], s_grid[words[1] & 511], s_grid[words[2] & 511], s_grid[words[3] & 511]).AsByte(), signs);
    }

    /// <summary>Sixteen scales of 4 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Halves2(float scale, byte* nibbles, float* scales)
    {
        for (int group = 0; group < 16; group++) scales[group] = scale * (0.5f + (nibbles[group / 2] >> group % 2 * 4 & 15)) * 0.25f;
    }
}

internal readonly unsafe struct Iq2SCodes : IBlockCodes
{
    private static readonly ulong* s_grid = (ulong*)GridTable.Of(Grids.Iq2S);

    public static int Values => 256;

    public static int Bytes => 82;

    public static int Group => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales) => Iq2XsCodes.Halves2(halves[*(ushort*)block], block + 74, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        byte* low = block + 2 + 4 * step;
        int high = block[66 + step];
        return GridTable.Signed(
            Vector256.Create(s_grid[low[0] | (high & 3) << 8], s_grid[low[1] | (high & 12) << 6], s_grid[low[2] | (high & 48) << 4], s_grid[low[3] | (high & 192) << 2]).AsByte(),
            *(uint*)(block + 34 + 4 * step));
    }
}

internal readonly unsafe struct Iq3XxsCodes : IBlockCodes
{
    private static readonly uint* s_grid = (uint*)GridTable.Of(Grids.Iq3Xxs);

    public static int Values => 256;

    public static int Bytes => 98;

    public static int Group => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales)
    {
        float scale = halves[*(ushort*)block];
        for (int group = 0; group < 8; group++) scales[group] = scale * (0.5f + (*(uint*)(block + 66 + 4 * group) >> 28)) * 0.5f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        byte* at = block + 2 + 8 * step;
        return GridTable.Signed(
            Vector256.Create(s_grid[at[0]], s_grid[at[1]], s_grid[at[2]], s_grid[at[3]], s_grid[at[4]], s_grid[at[5]], s_grid[at[6]], s_grid[at[7]]).AsByte(),
            GridTable.EvenSigns(*(uint*)(block + 66 + 4 * step)));
    }
}

internal readonly unsafe struct Iq3SCodes : IBlockCodes
{
    private static readonly uint* s_grid = (uint*)GridTable.Of(Grids.Iq3S);

    public static int Values => 256;

    public static int Bytes => 110;

    public static int Group => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales)
    {
        float scale = halves[*(ushort*)block];
        for (int group = 0; group < 8; group++) scales[group] = scale * (1 + 2 * (block[106 + group / 2] >> group % 2 * 4 & 15));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        byte* low = block + 2 + 8 * step;
        int high = block[66 + step];
        return GridTable.Signed(
            Vector256.Create(
                s_grid[low[0] | (high & 1) << 8], s_grid[low[1] | (high & 2) << 7], s_grid[low[2] | (high & 4) << 6], s_grid[low[3] | (high & 8) << 5],
                s_grid[low[4] | (high & 16) << 4], s_grid[low[5] | (high & 32) << 3], s_grid[low[6] | (high & 64) << 2], s_grid[low[7] | (high & 128) << 1]).AsByte(),
            *(uint*)(block + 74 + 4 * step));
    }
}

/// <summary>Vectors of −1, 0 and 1, moved by an eighth: eight times that are whole numbers, and the scales are an eighth.</summary>
internal readonly unsafe struct Iq1SCodes : IBlockCodes
{
    internal static readonly ulong* Grid8 = (ulong*)GridTable.Of(Grids.Iq1, factor: 8);

    public static int Values => 256;

    public static int Bytes => 50;

    public static int Group => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales)
    {
        float scale = halves[*(ushort*)block];
        for (int group = 0; group < 8; group++) scales[group] = scale * (2 * (*(ushort*)(block + 34 + 2 * group) >> 12 & 7) + 1) * 0.125f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        byte* low = block + 2 + 4 * step;
        int word = *(ushort*)(block + 34 + 2 * step);
        return Vector256.Create(Grid8[low[0] | (word & 7) << 8], Grid8[low[1] | (word >> 3 & 7) << 8], Grid8[low[2] | (word >> 6 & 7) << 8], Grid8[low[3] | (word >> 9 & 7) << 8]).AsSByte()
            + Vector256.Create((sbyte)((word & 0x8000) != 0 ? -1 : 1));
    }
}

internal readonly unsafe struct Iq1MCodes : IBlockCodes
{
    private const ulong Up = 0x0101010101010101, Down = ulong.MaxValue;

    public static int Values => 256;

    public static int Bytes => 56;

    public static int Group => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales)
    {
        var words = (ushort*)(block + 48);
        float scale = halves[words[0] >> 12 | words[1] >> 12 << 4 | words[2] >> 12 << 8 | words[3] >> 12 << 12];
        for (int group = 0; group < 16; group++) scales[group] = scale * (2 * (words[group / 4] >> group % 4 * 3 & 7) + 1) * 0.125f;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        byte* low = block + 4 * step;
        int high = *(ushort*)(block + 32 + 2 * step);
        Vector256<ulong> shift = Vector256.Create((high & 0x8) == 0 ? Up : Down, (high & 0x80) == 0 ? Up : Down, (high & 0x800) == 0 ? Up : Down, (high & 0x8000) == 0 ? Up : Down);
        return Vector256.Create(
            Iq1SCodes.Grid8[low[0] | (high & 7) << 8], Iq1SCodes.Grid8[low[1] | (high >> 4 & 7) << 8], Iq1SCodes.Grid8[low[2] | (high >> 8 & 7) << 8], Iq1SCodes.Grid8[low[3] | (high >> 12 & 7) << 8]).AsSByte()
            + shift.AsSByte();
    }
}

/// <summary>MXFP4: 32 numbers of 4 bits, twice as large as they are, and half their scale, a power of two.</summary>
internal readonly unsafe struct Mxfp4Codes : IBlockCodes
{
    public static int Values => 32;

    public static int Bytes => 17;

    public static int Group => 32;

    private static Vector128<sbyte> Book => Vector128.Create(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

    /// <summary>2^(code − 128): its exponent's bits are one less than the code, and the two lowest are subnormal.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* halves, float* scales) =>
        scales[0] = BitConverter.UInt32BitsToSingle(block[0] < 2 ? 0x00200000u << block[0] : (uint)(block[0] - 1) << 23);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Packed.LookUp(Book, Packed.Nibbles(block + 1));
}
