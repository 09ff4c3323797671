namespace TorchSharp;

/// <summary>What a boxed value holds; the order is that of native/TorchSharpNative.cpp.</summary>
internal enum Kind { None, Tensor, Int, Double, Bool, IntList, TensorList, OptionalTensorList, Device, String, Generator }

/// <summary>A boxed value as native code reads and writes it.</summary>
internal struct NativeValue
{
    public Kind Kind;

    /// <summary>Elements of a list, bytes of a string, or a device's index.</summary>
    public int Count;

    /// <summary>An integer, the bits of a double, or a pointer.</summary>
    public long Bits;
}

/// <summary>An argument of an operator. Nothing is boxed or copied for it until the call.</summary>
internal readonly struct Argument
{
    internal readonly object? Reference;
    internal readonly long Bits;
    internal readonly int Count;
    internal readonly Kind Kind;

    private Argument(Kind kind, object? reference, long bits = 0, int count = 0)
    {
        Kind = reference is null && kind is not (Kind.Int or Kind.Double or Kind.Bool or Kind.Device) ? Kind.None : kind;
        Reference = reference;
        Bits = bits;
        Count = count;
    }

    /// <summary>No value: an optional argument that is left out.</summary>
    internal static Argument None => default;

    /// <summary>A list in which a null stands for "all of this dimension", as the index operators take it.</summary>
    internal static Argument Optional(torch.Tensor?[] value) => new(Kind.OptionalTensorList, value);

    public static implicit operator Argument(torch.Tensor? value) => new(Kind.Tensor, value);
    public static implicit operator Argument(long value) => new(Kind.Int, null, value);
    public static implicit operator Argument(long? value) => value is { } v ? v : None;
    public static implicit operator Argument(double value) => new(Kind.Double, null, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Argument(double? value) => value is { } v ? v : None;
    public static implicit operator Argument(bool value) => new(Kind.Bool, null, value ? 1 : 0);
    public static implicit operator Argument(bool? value) => value is { } v ? v : None;
    public static implicit operator Argument(long[]? value) => new(Kind.IntList, value);
    public static implicit operator Argument(torch.Tensor[]? value) => new(Kind.TensorList, value);
    public static implicit operator Argument(string? value) => new(Kind.String, value);
    public static implicit operator Argument(torch.Generator? value) => new(Kind.Generator, value);
    public static implicit operator Argument(Scalar? value) => value is null ? None : new(value.Kind, null, value.Bits);
    public static implicit operator Argument(torch.ScalarType value) => (long)value;
    public static implicit operator Argument(torch.ScalarType? value) => (long?)value;
    public static implicit operator Argument(torch.Device? value) =>
        value is null ? None : new(Kind.Device, null, (long)value.type, value.index);
}
