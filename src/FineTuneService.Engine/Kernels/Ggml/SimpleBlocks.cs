using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

// Types of 32 values with one scale: see Formats/Gguf/Blocks for how their bytes lie.

internal readonly unsafe struct Q4_0Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 18;

    public static int Group => 32;

    public static bool HasMinima => false;

    public static float Offset => Spread.Offset + 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => halves[*(ushort*)block];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Packed.Less(Packed.Nibbles(block + 2), 8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Words(block + 2, out first, out second, out third, out fourth);

    public static int Place(int at) => Spread.PlaceInWords(at);
}

internal readonly unsafe struct Q4_1Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 20;

    public static int Group => 32;

    public static bool HasMinima => true;

    public static float Offset => Spread.Offset;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => halves[*(ushort*)block];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => halves[*(ushort*)(block + 2)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Packed.Nibbles(block + 4).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Words(block + 4, out first, out second, out third, out fourth);

    public static int Place(int at) => Spread.PlaceInWords(at);
}

internal readonly unsafe struct Q5_0Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 22;

    public static int Group => 32;

    public static bool HasMinima => false;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => halves[*(ushort*)block];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Packed.Less(Packed.Nibbles(block + 6) | Packed.Where(*(uint*)(block + 2), 16), 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Q5_1Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 24;

    public static int Group => 32;

    public static bool HasMinima => true;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => halves[*(ushort*)block];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => halves[*(ushort*)(block + 2)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => (Packed.Nibbles(block + 8) | Packed.Where(*(uint*)(block + 4), 16)).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Q8_0Block : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 34;

    public static int Group => 32;

    public static bool HasMinima => false;

    public static float Offset => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => halves[*(ushort*)block];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Vector256.Load((sbyte*)block + 2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}

internal readonly unsafe struct Iq4NlBlock : IGgmlBlock
{
    public static int Values => 32;

    public static int Bytes => 18;

    public static int Group => 32;

    public static bool HasMinima => false;

    public static float Offset => 0;

    public static Vector128<sbyte> Book => Vector128.Create(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prepare(byte* block, float* halves, float* scales, float* minima) { }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Scale(byte* block, float* halves, float* scales, int group) => halves[*(ushort*)block];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Minimum(byte* block, float* halves, float* minima, int group) => 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> Codes(byte* block, int step) => Packed.LookUp(Book, Packed.Nibbles(block + 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Weights<TLanes>(byte* block, int step, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes> => Spread.Bytes(Codes(block, step), out first, out second, out third, out fourth);

    public static int Place(int at) => at;
}
