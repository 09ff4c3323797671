using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FineTuneService.Engine.Kernels.Ggml;

// Types of 32 values with one scale: see Formats/Gguf/Blocks for how their bytes lie.

internal readonly unsafe struct Q4_0Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 18;

    public static int Group => 32;

    public static bool HasMinima => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Packed.Store(Packed.Nibbles(block + 2), 8, room);
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima) => *scales = Packed.Half(block);
}

internal readonly unsafe struct Q4_1Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 20;

    public static int Group => 32;

    public static bool HasMinima => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Packed.Store(Packed.Nibbles(block + 4), 0, room);
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        *scales = Packed.Half(block);
        *minima = Packed.Half(block + 2);
    }
}

internal readonly unsafe struct Q5_0Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 22;

    public static int Group => 32;

    public static bool HasMinima => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Packed.Store(Packed.Nibbles(block + 6) | Packed.Where(*(uint*)(block + 2), 16), 16, room);
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima) => *scales = Packed.Half(block);
}

internal readonly unsafe struct Q5_1Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 24;

    public static int Group => 32;

    public static bool HasMinima => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Packed.Store(Packed.Nibbles(block + 8) | Packed.Where(*(uint*)(block + 4), 16), 0, room);
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima)
    {
        *scales = Packed.Half(block);
        *minima = Packed.Half(block + 2);
    }
}

internal readonly unsafe struct Q8_0Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 34;

    public static int Group => 32;

    public static bool HasMinima => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room) => (sbyte*)block + 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima) => *scales = Packed.Half(block);
}

internal readonly unsafe struct Iq4NlBlock : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 18;

    public static int Group => 32;

    public static bool HasMinima => false;

    public static Vector128<sbyte> Book => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static sbyte* Codes(byte* block, sbyte* room)
    {
        Packed.LookUp(Book, Packed.Nibbles(block + 2)).Store(room);
        return room;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Scales(byte* block, float* scales, float* minima) => *scales = Packed.Half(block);
}
