using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FineTuneService.Engine.Kernels.Ggml;

// Types of 256 values, whose groups' scales are packed: see Formats/Gguf/Blocks for how their bytes lie.

internal readonly unsafe struct Q2KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 84;

    public static int Group => 16;

    public static bool HasMinima => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        for (int half = 0; half < 2; half++)
        {
            Vector256<byte> codes = Vector256.Load(block + 16 + 32 * half);
            for (int quarter = 0; quarter < 4; quarter++) Packed.Store(Packed.Field(codes, 2 * quarter, 2), 0, room + 128 * half + 32 * quarter);
        }
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        float scale = Packed.Half(block + 80), minimum = Packed.Half(block + 82);
        for (int group = 0; group < 16; group++)
        {
            scales[group] = scale * (block[group] & 15);
            minima[group] = -(minimum * (block[group] >> 4));
        }
    }
}

internal readonly unsafe struct Q3KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 110;

    public static int Group => 16;

    public static bool HasMinima => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Vector256<byte> thirds = Vector256.Load(block);
        for (int half = 0; half < 2; half++)
        {
            Vector256<byte> codes = Vector256.Load(block + 32 + 32 * half);
            for (int quarter = 0; quarter < 4; quarter++)
            {
                Vector256<byte> third = (Packed.Field(thirds, 4 * half + quarter, 1).AsUInt16() << 2).AsByte();
                Packed.Store(Packed.Field(codes, 2 * quarter, 2) | third, 4, room + 128 * half + 32 * quarter);
            }
        }
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        byte* packed = block + 96;
        float scale = Packed.Half(block + 108);
        for (int group = 0; group < 16; group++)
        {
            int low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4, high = packed[8 + group % 4] >> 2 * (group / 4) & 3;
            scales[group] = scale * ((low | high << 4) - 32);
        }
    }
}

internal readonly unsafe struct Q4KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 144;

    public static int Group => 32;

    public static bool HasMinima => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        for (int pair = 0; pair < 4; pair++)
        {
            Vector256<byte> codes = Vector256.Load(block + 16 + 32 * pair);
            Packed.Store(Packed.Field(codes, 0, 4), 0, room + 64 * pair);
            Packed.Store(Packed.Field(codes, 4, 4), 0, room + 64 * pair + 32);
        }
        return room;
    }

    /// <summary>The first four groups' 6 bits are whole; of the others the high two bits are in the first ones' bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        float scale = Packed.Half(block), minimum = Packed.Half(block + 2);
        byte* packed = block + 4;
        for (int group = 0; group < 4; group++)
        {
            scales[group] = scale * (packed[group] & 63);
            minima[group] = -(minimum * (packed[group + 4] & 63));
            scales[group + 4] = scale * (packed[group + 8] & 15 | packed[group] >> 6 << 4);
            minima[group + 4] = -(minimum * (packed[group + 8] >> 4 | packed[group + 4] >> 6 << 4));
        }
    }
}

internal readonly unsafe struct Q5KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 176;

    public static int Group => 32;

    public static bool HasMinima => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Vector256<byte> fifths = Vector256.Load(block + 16);
        for (int group = 0; group < 8; group++)
        {
            Vector256<byte> codes = Vector256.Load(block + 48 + 32 * (group / 2)), fifth = (Packed.Field(fifths, group, 1).AsUInt16() << 4).AsByte();
            Packed.Store(Packed.Field(codes, group % 2 * 4, 4) | fifth, 0, room + 32 * group);
        }
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima) => Q4KBlock.Scales(block, scales, minima);
}

internal readonly unsafe struct Q6KBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 210;

    public static int Group => 16;

    public static bool HasMinima => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        for (int half = 0; half < 2; half++)
        {
            Vector256<byte> high = Vector256.Load(block + 128 + 32 * half);
            for (int quarter = 0; quarter < 4; quarter++)
            {
                Vector256<byte> low = Packed.Field(Vector256.Load(block + 64 * half + quarter % 2 * 32), quarter / 2 * 4, 4);
                Packed.Store(low | (Packed.Field(high, 2 * quarter, 2).AsUInt16() << 4).AsByte(), 32, room + 128 * half + 32 * quarter);
            }
        }
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        float scale = Packed.Half(block + 208);
        for (int group = 0; group < 16; group++) scales[group] = scale * (sbyte)block[192 + group];
    }
}

internal readonly unsafe struct Iq4XsBlock : IGgmlBlock
{
    public static int Values => 256;

    public static int Bytes => 136;

    public static int Group => 32;

    public static bool HasMinima => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        for (int group = 0; group < 8; group++) Packed.LookUp(Iq4NlBlock.Book, Packed.Nibbles(block + 8 + 16 * group)).Store(room + 32 * group);
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        float scale = Packed.Half(block);
        int high = *(ushort*)(block + 2);
        for (int group = 0; group < 8; group++)
            scales[group] = scale * ((block[4 + group / 2] >> group % 2 * 4 & 15 | (high >> 2 * group & 3) << 4) - 32);
    }
}
