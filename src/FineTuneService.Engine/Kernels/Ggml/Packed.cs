using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>What the blocks' readers share: 32 bytes at a time.</summary>
internal static unsafe class Packed
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

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

    /// <summary>Stores codes − zero.</summary>
    [MethodImpl(Inline)]
    public static void Store(Vector256<byte> codes, byte zero, sbyte* target) => (codes - Vector256.Create(zero)).AsSByte().Store(target);

    /// <summary>A finite fp16 number: its bits moved to fp32's places, and the exponent's bias evened out by a product, which is exact.</summary>
    [MethodImpl(Inline)]
    public static float Half(byte* source)
    {
        uint bits = *(ushort*)source;
        float size = BitConverter.UInt32BitsToSingle((bits & 0x7fff) << 13) * 5.192296858534828e33f;
        return BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(size) | (bits & 0x8000) << 16);
    }
}
