using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FineTuneService.Engine.Kernels.Lanes;

/// <summary>Eight numbers: an AVX2 register, or a pair of the 128-bit registers that other processors have.</summary>
internal readonly unsafe struct Lanes256(Vector256<float> values) : ILanes<Lanes256>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly Vector256<float> _values = values;

    public static int Count => 8;

    [MethodImpl(Inline)]
    public static Lanes256 Of(float value) => new(Vector256.Create(value));

    [MethodImpl(Inline)]
    public static Lanes256 Load(float* source) => new(Vector256.Load(source));

    [MethodImpl(Inline)]
    public static Lanes256 Load(ushort* source) => new((Widened(Vector128.Load(source)) << 16).AsSingle());

    [MethodImpl(Inline)]
    public static Lanes256 Of(Vector256<sbyte> bytes, int first)
    {
        Vector128<sbyte> half = first < 16 ? bytes.GetLower() : bytes.GetUpper();
        Vector128<sbyte> eight = first % 16 == 0 ? half : Vector128.Create(half.GetUpper(), half.GetUpper());
        return new(Vector256.ConvertToSingle(Avx2.IsSupported ? Avx2.ConvertToVector256Int32(eight)
            : Vector256.Create(eight[0], eight[1], eight[2], eight[3], eight[4], eight[5], eight[6], eight[7])));
    }

    [MethodImpl(Inline)]
    public static void LoadPairs(uint* source, out Lanes256 even, out Lanes256 odd)
    {
        Vector256<uint> pairs = Vector256.Load(source);
        even = new((pairs << 16).AsSingle());
        odd = new((pairs & Vector256.Create(0xffff0000u)).AsSingle());
    }

    [MethodImpl(Inline)]
    public static void LoadHalfPairs(uint* source, out Lanes256 even, out Lanes256 odd)
    {
        Vector256<int> pairs = Vector256.Load((int*)source);
        even = new(Half(pairs << 16));
        odd = new(Half(pairs));
    }

    [MethodImpl(Inline)]
    public static void Store(Lanes256 values, float* target) => values._values.Store(target);

    [MethodImpl(Inline)]
    public static void Store(Lanes256 values, ushort* target) => Narrowed(HighBits(values._values)).Store(target);

    [MethodImpl(Inline)]
    public static Lanes256 RoundToBFloat16(Lanes256 values) => new((HighBits(values._values) << 16).AsSingle());

    [MethodImpl(Inline)]
    public static Lanes256 MultiplyAdd(Lanes256 a, Lanes256 b, Lanes256 c) => new(Vector256.FusedMultiplyAdd(a._values, b._values, c._values));

    [MethodImpl(Inline)]
    public static Lanes256 Max(Lanes256 a, Lanes256 b) => new(Vector256.MaxNative(a._values, b._values));

    [MethodImpl(Inline)]
    public static Lanes256 Min(Lanes256 a, Lanes256 b) => new(Vector256.MinNative(a._values, b._values));

    [MethodImpl(Inline)]
    public static Lanes256 Sqrt(Lanes256 values) => new(Vector256.Sqrt(values._values));

    [MethodImpl(Inline)]
    public static Lanes256 Sign(Lanes256 values) => new(
        (Vector256.GreaterThan(values._values, Vector256<float>.Zero) & Vector256<float>.One) -
        (Vector256.LessThan(values._values, Vector256<float>.Zero) & Vector256<float>.One));

    [MethodImpl(Inline)]
    public static Lanes256 Round(Lanes256 values) => new(Vector256.Round(values._values));

    [MethodImpl(Inline)]
    public static Lanes256 PowerOfTwo(Lanes256 exponents) =>
        new(((Vector256.ConvertToInt32Native(exponents._values) + Vector256.Create(127)) << 23).AsSingle());

    [MethodImpl(Inline)]
    public static float Sum(Lanes256 values) => Vector256.Sum(values._values);

    [MethodImpl(Inline)]
    public static float Largest(Lanes256 values)
    {
        Vector128<float> four = Vector128.MaxNative(values._values.GetLower(), values._values.GetUpper());
        return MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
    }

    [MethodImpl(Inline)]
    public static Lanes256 operator +(Lanes256 a, Lanes256 b) => new(a._values + b._values);

    [MethodImpl(Inline)]
    public static Lanes256 operator -(Lanes256 a, Lanes256 b) => new(a._values - b._values);

    [MethodImpl(Inline)]
    public static Lanes256 operator *(Lanes256 a, Lanes256 b) => new(a._values * b._values);

    [MethodImpl(Inline)]
    public static Lanes256 operator /(Lanes256 a, Lanes256 b) => new(a._values / b._values);

    /// <summary>One instruction on AVX2; the portable form is four.</summary>
    [MethodImpl(Inline)]
    private static Vector256<uint> Widened(Vector128<ushort> values) => Avx2.IsSupported
        ? Avx2.ConvertToVector256Int32(values).AsUInt32() : Vector256.Create(Vector128.WidenLower(values), Vector128.WidenUpper(values));

    /// <summary>The low halves. Saturation changes nothing, as they are all there is.</summary>
    [MethodImpl(Inline)]
    private static Vector128<ushort> Narrowed(Vector256<uint> values) => Sse41.IsSupported
        ? Sse41.PackUnsignedSaturate(values.GetLower().AsInt32(), values.GetUpper().AsInt32()) : Vector128.Narrow(values.GetLower(), values.GetUpper());

    /// <summary>The bits of the values rounded to bf16, in the low halves.</summary>
    [MethodImpl(Inline)]
    private static Vector256<uint> HighBits(Vector256<float> values)
    {
        Vector256<uint> bits = values.AsUInt32();
        Vector256<uint> rounded = (bits + Vector256.Create(0x7fffu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt32(), rounded, Vector256.Create(0x7fc0u));
    }

    /// <summary>The fp16 number in the high half: its bits moved to fp32's places, and the exponent's bias evened out by a product, which is exact.</summary>
    [MethodImpl(Inline)]
    private static Vector256<float> Half(Vector256<int> pairs) => (pairs >> 3 & Vector256.Create(unchecked((int)0x8fffe000))).AsSingle() * Vector256.Create(5.192296858534828e33f);
}
