using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>
/// 32 codes as numbers. Signed bytes are widened and converted. Codes of 4 bits need neither: moved to the four highest bits of the mantissa of
/// 16, a code makes the number 16 + code, so each register takes a shift and one logical operation.
/// </summary>
internal static unsafe class Spread
{
    /// <summary>What <see cref="Words"/> and <see cref="Nibbles"/> have added to each code.</summary>
    public const float Offset = 16;

    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;

    private const uint Mantissa = 0x00780000, Sixteen = 0x41800000;

    [MethodImpl(Inline)]
    public static void Bytes<TLanes>(Vector256<sbyte> codes, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes>
    {
        (first, second) = (TLanes.Of(codes, 0), TLanes.Of(codes, TLanes.Count));
        (third, fourth) = TLanes.Count == 16 ? (first, second) : (TLanes.Of(codes, 16), TLanes.Of(codes, 24));
    }

    /// <summary>16 bytes, four words of eight codes: code n of each word, for n of 0 to 7. Low halves are the first 16 values, high ones the others.</summary>
    [MethodImpl(Inline)]
    public static void Words<TLanes>(byte* source, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes>
    {
        if (TLanes.Count == 16)
        {
            Vector512<uint> words = Avx512F.BroadcastVector128ToVector512((uint*)source);
            // To bit 19 from bit 4n, round the word's end.
            first = Number<TLanes>(Avx512F.RotateLeftVariable(words, Vector512.Create(19u, 19, 19, 19, 15, 15, 15, 15, 11, 11, 11, 11, 7, 7, 7, 7)));
            second = Number<TLanes>(Avx512F.RotateLeftVariable(words, Vector512.Create(3u, 3, 3, 3, 31, 31, 31, 31, 27, 27, 27, 27, 23, 23, 23, 23)));
            (third, fourth) = (first, second);
            return;
        }
        Vector128<uint> four = Vector128.Load((uint*)source);
        Vector256<uint> low = Avx2.IsSupported ? Avx2.BroadcastVector128ToVector256((uint*)source) : Vector256.Create(four, four), high = low >> 16, early = Vector256.Create(19u, 19, 19, 19, 15, 15, 15, 15), late = Vector256.Create(11u, 11, 11, 11, 7, 7, 7, 7);
        (first, second) = (Number<TLanes>(Left(low, early)), Number<TLanes>(Left(low, late)));
        (third, fourth) = (Number<TLanes>(Left(high, early)), Number<TLanes>(Left(high, late)));
    }

    /// <summary>Which value <see cref="Words"/> has in a place.</summary>
    public static int PlaceInWords(int at) => 4 * (at % 4) + at / 8 + (at / 4 % 2 == 0 ? 0 : 16);

    /// <summary>32 bytes, eight words: of each the low halves of its bytes, one byte after another, or the high halves.</summary>
    [MethodImpl(Inline)]
    public static void Nibbles<TLanes>(byte* source, bool high, out TLanes first, out TLanes second, out TLanes third, out TLanes fourth)
        where TLanes : struct, ILanes<TLanes>
    {
        if (TLanes.Count == 16)
        {
            Vector512<uint> words = Avx512F.BroadcastVector256ToVector512((ulong*)source).AsUInt32(), less = Vector512.Create(high ? 4u : 0);
            first = Number<TLanes>(Avx512F.RotateLeftVariable(words, Vector512.Create(19u, 19, 19, 19, 19, 19, 19, 19, 11, 11, 11, 11, 11, 11, 11, 11) - less));
            second = Number<TLanes>(Avx512F.RotateLeftVariable(words, Vector512.Create(35u, 35, 35, 35, 35, 35, 35, 35, 27, 27, 27, 27, 27, 27, 27, 27) - less));
            (third, fourth) = (first, second);
            return;
        }
        Vector256<uint> eight = Vector256.Load((uint*)source);
        (first, second) = (Number<TLanes>(high ? eight << 15 : eight << 19), Number<TLanes>(high ? eight << 7 : eight << 11));
        (third, fourth) = (Number<TLanes>(high ? eight >> 1 : eight << 3), Number<TLanes>(high ? eight >> 9 : eight >> 5));
    }

    /// <summary>Which value <see cref="Nibbles"/> has in a place.</summary>
    public static int PlaceInNibbles(int at) => 4 * (at % 8) + at / 8;

    [MethodImpl(Inline)]
    private static TLanes Number<TLanes>(Vector512<uint> moved)
        where TLanes : struct, ILanes<TLanes> =>
        Unsafe.BitCast<Lanes512, TLanes>(new Lanes512(((moved & Vector512.Create(Mantissa)) | Vector512.Create(Sixteen)).AsSingle()));

    [MethodImpl(Inline)]
    private static TLanes Number<TLanes>(Vector256<uint> moved)
        where TLanes : struct, ILanes<TLanes> =>
        Unsafe.BitCast<Lanes256, TLanes>(new Lanes256(((moved & Vector256.Create(Mantissa)) | Vector256.Create(Sixteen)).AsSingle()));

    [MethodImpl(Inline)]
    private static Vector256<uint> Left(Vector256<uint> words, Vector256<uint> counts) => Avx2.IsSupported
        ? Avx2.ShiftLeftLogicalVariable(words, counts)
        : Vector256.Create(words.GetLower() << (int)counts[0], words.GetUpper() << (int)counts[4]);
}
