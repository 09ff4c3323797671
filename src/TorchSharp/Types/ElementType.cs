using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>Which .NET type holds an element of which scalar type.</summary>
internal static class ElementType
{
    internal static ScalarType Of<T>()
        where T : unmanaged => Of(typeof(T));

    /// <exception cref="NotSupportedException">No tensor has elements of that type.</exception>
    internal static ScalarType Of(Type type) =>
        type == typeof(float) ? ScalarType.Float32
        : type == typeof(long) ? ScalarType.Int64
        : type == typeof(int) ? ScalarType.Int32
        : type == typeof(byte) ? ScalarType.Byte
        : type == typeof(sbyte) ? ScalarType.Int8
        : type == typeof(short) ? ScalarType.Int16
        : type == typeof(bool) ? ScalarType.Bool
        : type == typeof(double) ? ScalarType.Float64
        : type == typeof(Half) ? ScalarType.Float16
        : type == typeof(BFloat16) ? ScalarType.BFloat16
        : throw new NotSupportedException($"Creating tensor of type '{type}' is not supported.");

    /// <exception cref="ArgumentException">T is not how an element of the type is held.</exception>
    internal static void Require<T>(ScalarType type)
        where T : unmanaged
    {
        if (Of<T>() != type)
            throw new ArgumentException($"{typeof(T).Name} is not compatible with {type}");
    }
}
