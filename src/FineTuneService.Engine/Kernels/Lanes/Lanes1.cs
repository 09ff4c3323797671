using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace FineTuneService.Engine.Kernels.Lanes;

/// <summary>One number: the path of processors without wide registers.</summary>
internal readonly unsafe struct Lanes1(float value) : ILanes<Lanes1>
{
    private const MethodImplOptions Inline = MethodImplOptions.AggressiveInlining;
    private readonly float _value = value;

    public static int Count => 1;

    [MethodImpl(Inline)]
    public static Lanes1 Of(float value) => new(value);

    [MethodImpl(Inline)]
    public static Lanes1 Load(float* source) => new(*source);

    [MethodImpl(Inline)]
    public static Lanes1 Load(ushort* source) => new(BitConverter.UInt32BitsToSingle((uint)*source << 16));

    [MethodImpl(Inline)]
    public static Lanes1 Of(Vector256<sbyte> bytes, int first) => new(bytes[first]);

    [MethodImpl(Inline)]
    public static void LoadPairs(uint* source, out Lanes1 even, out Lanes1 odd)
    {
        even = new(BitConverter.UInt32BitsToSingle(*source << 16));
        odd = new(BitConverter.UInt32BitsToSingle(*source & 0xffff0000u));
    }

    [MethodImpl(Inline)]
    public static void LoadHalfPairs(uint* source, out Lanes1 even, out Lanes1 odd)
    {
        even = new((float)BitConverter.UInt16BitsToHalf((ushort)*source));
        odd = new((float)BitConverter.UInt16BitsToHalf((ushort)(*source >> 16)));
    }

    [MethodImpl(Inline)]
    public static void Store(Lanes1 values, float* target) => *target = values._value;

    [MethodImpl(Inline)]
    public static void Store(Lanes1 values, ushort* target) => *target = (ushort)HighBits(values._value);

    [MethodImpl(Inline)]
    public static Lanes1 RoundToBFloat16(Lanes1 values) => new(BitConverter.UInt32BitsToSingle(HighBits(values._value) << 16));

    [MethodImpl(Inline)]
    public static Lanes1 MultiplyAdd(Lanes1 a, Lanes1 b, Lanes1 c) => new(MathF.FusedMultiplyAdd(a._value, b._value, c._value));

    [MethodImpl(Inline)]
    public static Lanes1 Max(Lanes1 a, Lanes1 b) => new(a._value > b._value ? a._value : b._value);

    [MethodImpl(Inline)]
    public static Lanes1 Min(Lanes1 a, Lanes1 b) => new(a._value < b._value ? a._value : b._value);

    [MethodImpl(Inline)]
    public static Lanes1 Sqrt(Lanes1 values) => new(MathF.Sqrt(values._value));

    [MethodImpl(Inline)]
    public static Lanes1 Sign(Lanes1 values) => new(values._value > 0 ? 1 : values._value < 0 ? -1 : 0);

    [MethodImpl(Inline)]
    public static Lanes1 Round(Lanes1 values) => new(MathF.Round(values._value));

    [MethodImpl(Inline)]
    public static Lanes1 PowerOfTwo(Lanes1 exponents) => new(BitConverter.Int32BitsToSingle(((int)exponents._value + 127) << 23));

    [MethodImpl(Inline)]
    public static float Sum(Lanes1 values) => values._value;

    [MethodImpl(Inline)]
    public static float Largest(Lanes1 values) => values._value;

    [MethodImpl(Inline)]
    public static Lanes1 operator +(Lanes1 a, Lanes1 b) => new(a._value + b._value);

    [MethodImpl(Inline)]
    public static Lanes1 operator -(Lanes1 a, Lanes1 b) => new(a._value - b._value);

    [MethodImpl(Inline)]
    public static Lanes1 operator *(Lanes1 a, Lanes1 b) => new(a._value * b._value);

    [MethodImpl(Inline)]
    public static Lanes1 operator /(Lanes1 a, Lanes1 b) => new(a._value / b._value);

    private static uint HighBits(float value)
    {
        if (float.IsNaN(value)) return 0x7fc0;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    }
}
