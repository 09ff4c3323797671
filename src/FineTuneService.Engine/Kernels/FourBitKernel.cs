using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// 4-bit codes to values: code book · scale in fp32, rounded once to the output's dtype. The book's 16 values are one 512-bit
/// register, so 16 values are one shuffle and one product; or two 256-bit registers, and 8 values two shuffles.
/// </summary>
internal static class FourBitKernel
{
    /// <param name="packed">The block's codes, two a byte, the first in the high nibble.</param>
    /// <param name="book">The values of the 16 codes.</param>
    /// <param name="scale">The block's absolute maximum.</param>
    public static void Dequantize(ReadOnlySpan<byte> packed, ReadOnlySpan<float> book, float scale, Span<float> values)
    {
        int done = 0;
        if (Avx512F.IsSupported && RowLoops.InstructionSet == InstructionSet.Vector512)
        {
            for (; done + 16 <= values.Length; done += 16) Sixteen(packed, done, book, scale).StoreUnsafe(ref values[done]);
        }
        else if (Avx2.IsSupported && RowLoops.InstructionSet == InstructionSet.Vector256)
        {
            for (; done + 8 <= values.Length; done += 8) Eight(packed, done, book, scale).StoreUnsafe(ref values[done]);
        }
        for (; done < values.Length; done++) values[done] = book[Nibble(packed, done)] * scale;
    }

    /// <inheritdoc cref="Dequantize(ReadOnlySpan{byte}, ReadOnlySpan{float}, float, Span{float})"/>
    /// <param name="values">bf16 bits.</param>
    public static void Dequantize(ReadOnlySpan<byte> packed, ReadOnlySpan<float> book, float scale, Span<ushort> values)
    {
        int done = 0;
        if (Avx512F.IsSupported && RowLoops.InstructionSet == InstructionSet.Vector512)
        {
            for (; done + 16 <= values.Length; done += 16) Rounded(Sixteen(packed, done, book, scale)).StoreUnsafe(ref values[done]);
        }
        else if (Avx2.IsSupported && RowLoops.InstructionSet == InstructionSet.Vector256)
        {
            for (; done + 8 <= values.Length; done += 8) Rounded(Eight(packed, done, book, scale)).StoreUnsafe(ref values[done]);
        }
        for (; done < values.Length; done++) values[done] = Rounded(book[Nibble(packed, done)] * scale);
    }

    private static int Nibble(ReadOnlySpan<byte> packed, int i) => (packed[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15;

    private static Vector512<float> Sixteen(ReadOnlySpan<byte> packed, int first, ReadOnlySpan<float> book, float scale)
    {
        Vector128<byte> bytes = Vector128.CreateScalar(MemoryMarshal.Read<ulong>(packed[(first / 2)..])).AsByte();
        Vector128<byte> high = (bytes.AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15), low = bytes & Vector128.Create((byte)15);
        Vector512<int> codes = Avx512F.ConvertToVector512Int32(Sse2.UnpackLow(high, low));
        return Avx512F.PermuteVar16x32(Vector512.Create(book), codes) * scale;
    }

    private static Vector256<float> Eight(ReadOnlySpan<byte> packed, int first, ReadOnlySpan<float> book, float scale)
    {
        // Every lane has all eight codes and shifts its own down. A shuffle looks at three bits; the fourth chooses the half.
        Vector256<uint> all = Vector256.Create(MemoryMarshal.Read<uint>(packed[(first / 2)..]));
        Vector256<uint> codes = Avx2.ShiftRightLogicalVariable(all, Vector256.Create(4u, 0, 12, 8, 20, 16, 28, 24));
        Vector256<float> low = Avx2.PermuteVar8x32(Vector256.Create(book), codes.AsInt32());
        Vector256<float> high = Avx2.PermuteVar8x32(Vector256.Create(book[8..]), codes.AsInt32());
        return Avx.BlendVariable(low, high, (codes << 28).AsSingle()) * scale;
    }

    /// <summary>fp32 to bf16, to nearest, ties to even. Codes times a finite scale are no NaN.</summary>
    private static Vector256<ushort> Rounded(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One);
        return Avx512F.ConvertToVector256UInt16(rounded >> 16);
    }

    /// <inheritdoc cref="Rounded(Vector512{float})"/>
    private static Vector128<ushort> Rounded(Vector256<float> values)
    {
        Vector256<uint> bits = values.AsUInt32();
        Vector256<uint> rounded = bits + Vector256.Create(0x7fffu) + ((bits >> 16) & Vector256<uint>.One);
        return Vector256.Narrow(rounded >> 16, Vector256<uint>.Zero).GetLower();
    }

    /// <summary>bf16 bits of a finite value, to nearest, ties to even.</summary>
    public static ushort Rounded(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
