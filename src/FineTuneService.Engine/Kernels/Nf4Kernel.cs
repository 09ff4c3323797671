using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Quantization;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Codes of nf4 to values: code book · scale in fp32, rounded once to the output's dtype. The book's 16 values are one 512-bit
/// register, so 16 values are one shuffle and one product.
/// </summary>
internal static class Nf4Kernel
{
    /// <param name="packed">The block's codes, two a byte, the first in the high nibble.</param>
    /// <param name="scale">The block's absolute maximum.</param>
    /// <param name="values">At most 64.</param>
    public static void Dequantize(ReadOnlySpan<byte> packed, float scale, Span<float> values)
    {
        int done = 0;
        if (Avx512F.IsSupported)
        {
            for (; done + 16 <= values.Length; done += 16)
                Sixteen(ref Unsafe.Add(ref MemoryMarshal.GetReference(packed), done / 2), scale).StoreUnsafe(ref values[done]);
        }
        for (; done < values.Length; done++) values[done] = Nf4.Codes[Nibble(packed, done)] * scale;
    }

    /// <inheritdoc cref="Dequantize(ReadOnlySpan{byte}, float, Span{float})"/>
    /// <param name="values">bf16 bits, at most 64.</param>
    public static void Dequantize(ReadOnlySpan<byte> packed, float scale, Span<ushort> values)
    {
        int done = 0;
        if (Avx512F.IsSupported)
        {
            for (; done + 16 <= values.Length; done += 16)
                Rounded(Sixteen(ref Unsafe.Add(ref MemoryMarshal.GetReference(packed), done / 2), scale)).StoreUnsafe(ref values[done]);
        }
        for (; done < values.Length; done++) values[done] = Rounded(Nf4.Codes[Nibble(packed, done)] * scale);
    }

    private static int Nibble(ReadOnlySpan<byte> packed, int i) => (packed[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15;

    private static Vector512<float> Sixteen(ref byte packed, float scale)
    {
        Vector128<byte> bytes = Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(ref packed)).AsByte();
        Vector128<byte> high = (bytes.AsUInt16() >> 4).AsByte() & Vector128.Create((byte)15), low = bytes & Vector128.Create((byte)15);
        Vector512<int> codes = Avx512F.ConvertToVector512Int32(Sse2.UnpackLow(high, low));
        return Avx512F.PermuteVar16x32(Vector512.Create<float>(Nf4.Codes), codes) * scale;
    }

    /// <summary>fp32 to bf16, to nearest, ties to even. Codes times a finite scale are no NaN.</summary>
    private static Vector256<ushort> Rounded(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One);
        return Avx512F.ConvertToVector256UInt16(rounded >> 16);
    }

    /// <summary>bf16 bits of a finite value, to nearest, ties to even.</summary>
    public static ushort Rounded(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
