using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

// Types of 256 values, whose groups' scales are packed: see Formats/Gguf/Blocks for how their bytes lie.

internal readonly unsafe struct Q2KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 84;

    public static int Group => 16;

    public static bool HasMinima => true;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) =>
        Packed.Field(Vector256.Load(block + 16 + 32 * (step / 4)), step % 4 * 2, 2).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima)
    {
        float scale = halves[*(ushort*)(block + 80)], minimum = halves[*(ushort*)(block + 82)];
        for (int group = 0; group < 16; group++)
        {
            scales[group] = scale * (block[group] & 15);
            minima[group] = -(minimum * (block[group] >> 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => minima[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Q3KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 110;

    public static int Group => 16;

    public static bool HasMinima => false;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        Vector256<byte> codes = Packed.Field(Vector256.Load(block + 32 + 32 * (step / 4)), step % 4 * 2, 2);
        return Packed.Less(codes | (Packed.Field(Vector256.Load(block), step, 1).AsUInt16() << 2).AsByte(), 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima)
    {
        byte* packed = block + 96;
        float scale = halves[*(ushort*)(block + 108)];
        for (int group = 0; group < 16; group++)
        {
            int low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4, high = packed[8 + group % 4] >> 2 * (group / 4) & 3;
            scales[group] = scale * ((low | high << 4) - 32);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => minima[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Q4KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 144;

    public static int Group => 32;

    public static bool HasMinima => true;

    public static float Offset => Spread.Offset;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) =>
        Packed.Field(Vector256.Load(block + 16 + 32 * (step / 2)), step % 2 * 4, 4).AsSByte();

    /// <summary>The first four groups' 6 bits are whole; of the others the high two bits are in the first ones' bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima)
    {
        float scale = halves[*(ushort*)block], minimum = halves[*(ushort*)(block + 2)];
        byte* packed = block + 4;
        for (int group = 0; group < 4; group++)
        {
            scales[group] = scale * (packed[group] & 63);
            minima[group] = -(minimum * (packed[group + 4] & 63));
            scales[group + 4] = scale * (packed[group + 8] & 15 | packed[group] >> 6 << 4);
            minima[group + 4] = -(minimum * (packed[group + 8] >> 4 | packed[group + 4] >> 6 << 4));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => minima[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Nibbles(block + 16 + 32 * (int)((uint)step / 2), step % 2 != 0, out first, out second, out third, out fourth);

    public static int Place(int at) => Spread.PlaceInNibbles(at);
}

internal readonly unsafe struct Q5KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 176;

    public static int Group => 32;

    public static bool HasMinima => true;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        Vector256<byte> codes = Packed.Field(Vector256.Load(block + 48 + 32 * (step / 2)), step % 2 * 4, 4);
        return (codes | (Packed.Field(Vector256.Load(block + 16), step, 1).AsUInt16() << 4).AsByte()).AsSByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) => Q4KBlock.Prepare(block, halves, scales, minima);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => minima[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Q6KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 210;

    public static int Group => 16;

    public static bool HasMinima => false;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step)
    {
        (int half, int quarter) = (step / 4, step % 4);
        Vector256<byte> low = Packed.Field(Vector256.Load(block + 64 * half + quarter % 2 * 32), quarter / 2 * 4, 4);
        return Packed.Less(low | (Packed.Field(Vector256.Load(block + 128 + 32 * half), 2 * quarter, 2).AsUInt16() << 4).AsByte(), 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima)
    {
        float scale = halves[*(ushort*)(block + 208)];
        for (int group = 0; group < 16; group++) scales[group] = scale * (sbyte)block[192 + group];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => minima[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Iq4XsBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 136;

    public static int Group => 32;

    public static bool HasMinima => false;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Packed.LookUp(Iq4NlBlock.Book, Packed.Nibbles(block + 8 + 16 * step));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima)
    {
        float scale = halves[*(ushort*)block];
        int high = *(ushort*)(block + 2);
        for (int group = 0; group < 8; group++)
            scales[group] = scale * ((block[4 + group / 2] >> group % 2 * 4 & 15 | (high >> 2 * group & 3) << 4) - 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => scales[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => minima[group];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}
