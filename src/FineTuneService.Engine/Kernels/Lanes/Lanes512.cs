using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace FineTuneService.Engine.Kernels.Lanes;

/// <summary>Sixteen numbers in an AVX-512 register.</summary>
internal readonly unsafe struct Lanes512(Vector512<float> values) : ILanes<Lanes512>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly Vector512<float> _values = values;

    public static int Count => 16;

    [MethodImpl(Inline)]
    public static Lanes512 Of(float value) => new(Vector512.Create(value));

    [MethodImpl(Inline)]
    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(Inline)]
    public static Lanes512 Load(ushort* source) => new((Avx512F.ConvertToVector512UInt32(Vector256.Load(source)) << 16).AsSingle());

    [MethodImpl(Inline)]
    public static Lanes512 Of(Vector256<sbyte> bytes, int first) =>
        new(Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(first == 0 ? bytes.GetLower() : bytes.GetUpper())));

    [MethodImpl(Inline)]
    public static void LoadPairs(uint* source, out Lanes512 even, out Lanes512 odd)
    {
        Vector512<uint> pairs = Vector512.Load(source);
        even = new((pairs << 16).AsSingle());
        odd = new((pairs & Vector512.Create(0xffff0000u)).AsSingle());
    }

    [MethodImpl(Inline)]
    public static void LoadHalfPairs(uint* source, out Lanes512 even, out Lanes512 odd)
    {
        Vector512<int> pairs = Vector512.Load((int*)source);
        even = new(Half(pairs << 16));
        odd = new(Half(pairs));
    }

    [MethodImpl(Inline)]
    public static void Store(Lanes512 values, float* target) => values._values.Store(target);

    [MethodImpl(Inline)]
    public static void Store(Lanes512 values, ushort* target) => Avx512F.ConvertToVector256UInt16(HighBits(values._values)).Store(target);

    [MethodImpl(Inline)]
    public static Lanes512 RoundToBFloat16(Lanes512 values) => new((HighBits(values._values) << 16).AsSingle());

    [MethodImpl(Inline)]
    public static Lanes512 MultiplyAdd(Lanes512 a, Lanes512 b, Lanes512 c) => new(Vector512.FusedMultiplyAdd(a._values, b._values, c._values));

    [MethodImpl(Inline)]
    public static Lanes512 Max(Lanes512 a, Lanes512 b) => new(Vector512.MaxNative(a._values, b._values));

    [MethodImpl(Inline)]
    public static Lanes512 Min(Lanes512 a, Lanes512 b) => new(Vector512.MinNative(a._values, b._values));

    [MethodImpl(Inline)]
    public static Lanes512 Sqrt(Lanes512 values) => new(Vector512.Sqrt(values._values));

    [MethodImpl(Inline)]
    public static Lanes512 Sign(Lanes512 values) => new(
        (Vector512.GreaterThan(values._values, Vector512<float>.Zero) & Vector512<float>.One) -
        (Vector512.LessThan(values._values, Vector512<float>.Zero) & Vector512<float>.One));

    [MethodImpl(Inline)]
    public static Lanes512 Round(Lanes512 values) => new(Vector512.Round(values._values));

    [MethodImpl(Inline)]
    public static Lanes512 PowerOfTwo(Lanes512 exponents) =>
        new(((Vector512.ConvertToInt32Native(exponents._values) + Vector512.Create(127)) << 23).AsSingle());

    [MethodImpl(Inline)]
    public static float Sum(Lanes512 values) => Vector512.Sum(values._values);

    [MethodImpl(Inline)]
    public static float Largest(Lanes512 values) =>
        Lanes256.Largest(new Lanes256(Vector256.MaxNative(values._values.GetLower(), values._values.GetUpper())));

    [MethodImpl(Inline)]
    public static Lanes512 operator +(Lanes512 a, Lanes512 b) => new(a._values + b._values);

    [MethodImpl(Inline)]
    public static Lanes512 operator -(Lanes512 a, Lanes512 b) => new(a._values - b._values);

    [MethodImpl(Inline)]
    public static Lanes512 operator *(Lanes512 a, Lanes512 b) => new(a._values * b._values);

    [MethodImpl(Inline)]
    public static Lanes512 operator /(Lanes512 a, Lanes512 b) => new(a._values / b._values);

    /// <summary>The bits of the values rounded to bf16, in the low halves.</summary>
    [MethodImpl(Inline)]
    private static Vector512<uint> HighBits(Vector512<float> values)
    {
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> rounded = (bits + Vector512.Create(0x7fffu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, Vector512.Create(0x7fc0u));
    }

    /// <summary>The fp16 number in the high half: its bits moved to fp32's places, and the exponent's bias evened out by a product, which is exact.</summary>
    [MethodImpl(Inline)]
    private static Vector512<float> Half(Vector512<int> pairs) => (pairs >> 3 & Vector512.Create(unchecked((int)0x8fffe000))).AsSingle() * Vector512.Create(5.192296858534828e33f);
}
