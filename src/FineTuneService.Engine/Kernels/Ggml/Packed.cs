using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>What the blocks' readers share: 32 codes at a time.</summary>
internal static unsafe class Packed
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    /// <summary>Every fp16 number in fp32, by its bits: a block's scale is one load of it. Blocks use few of the 256 KiB.</summary>
    public static readonly float* Halves = MakeHalves();

    /// <summary>Of each byte, as many bits from this one on.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Field(Vector256<byte> bytes, int first, int bits) =>
        (bytes.AsUInt16() >> first).AsByte() & Vector256.Create((byte)((1 << bits) - 1));

    /// <summary>Codes of 4 bits: the low halves of 16 bytes, then the high ones.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Nibbles(byte* source)
    {
        Vector128<byte> both = Vector128.Load(source), mask = Vector128.Create((byte)15);
        return Vector256.Create(both & mask, (both.AsUInt16() >> 4).AsByte() & mask);
    }

    /// <summary>The given value where a word's bit is set, the lowest bit first, and 0 elsewhere.</summary>
    [MethodImpl(Inline)]
    public static Vector256<byte> Where(uint word, byte value)
    {
        Vector256<byte> all = Vector256.Create(word).AsByte(), place = Vector256.Create(
            (byte)0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
        Vector256<byte> bit = Vector256.Create(0x8040201008040201ul).AsByte();
        Vector256<byte> spread = Avx2.IsSupported ? Avx2.Shuffle(all, place) : Vector256.Shuffle(all, place);
        return Vector256.Equals(spread & bit, bit) & Vector256.Create(value);
    }

    /// <summary>What 4-bit codes stand for.</summary>
    [MethodImpl(Inline)]
    public static Vector256<sbyte> LookUp(Vector128<sbyte> book, Vector256<byte> codes) => Avx2.IsSupported
        ? Avx2.Shuffle(Vector256.Create(book, book), codes.AsSByte())
        : Vector256.Create(Vector128.Shuffle(book, codes.GetLower().AsSByte()), Vector128.Shuffle(book, codes.GetUpper().AsSByte()));

    /// <summary>Codes − zero.</summary>
    [MethodImpl(Inline)]
    public static Vector256<sbyte> Less(Vector256<byte> codes, byte zero) => (codes - Vector256.Create(zero)).AsSByte();

    private static float* MakeHalves()
    {
        var halves = (float*)NativeMemory.AlignedAlloc(sizeof(float) << 16, 64);
        for (int bits = 0; bits < 1 << 16; bits++) halves[bits] = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        return halves;
    }
}
