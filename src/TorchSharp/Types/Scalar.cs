using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A number or truth value that an operator takes beside tensors. As in PyTorch it is held as int64, double or bool.</summary>
public sealed class Scalar : IDisposable
{
    internal Scalar(Kind kind, long bits)
    {
        Kind = kind;
        Bits = bits;
    }

    internal Kind Kind { get; }

    internal long Bits { get; }

    internal double AsDouble => Kind == Kind.Double ? BitConverter.Int64BitsToDouble(Bits) : Bits;

    internal long AsInt64 => Kind == Kind.Double ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;

    public ScalarType Type => Kind switch
    {
        Kind.Double => ScalarType.Float64,
        Kind.Bool => ScalarType.Bool,
        _ => ScalarType.Int64,
    };

    public static implicit operator Scalar(byte value) => new(Kind.Int, value);
    public static implicit operator Scalar(sbyte value) => new(Kind.Int, value);
    public static implicit operator Scalar(short value) => new(Kind.Int, value);
    public static implicit operator Scalar(int value) => new(Kind.Int, value);
    public static implicit operator Scalar(long value) => new(Kind.Int, value);
    public static implicit operator Scalar(bool value) => new(Kind.Bool, value ? 1 : 0);
    public static implicit operator Scalar(float value) => (double)value;
    public static implicit operator Scalar(double value) => new(Kind.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Scalar(Half value) => (double)value;
    public static implicit operator Scalar(BFloat16 value) => (double)value.ToSingle();

    /// <summary>Nothing to free here: the type is disposable because TorchSharp's is.</summary>
    public void Dispose()
    {
    }
}
