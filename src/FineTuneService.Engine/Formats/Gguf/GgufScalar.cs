using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Metadata values of a fixed size, as a file holds them.</summary>
internal static class GgufScalar
{
    /// <summary>Bytes of one; null for texts and lists, which say their length themselves, and for what is no type of GGUF's.</summary>
    public static int? SizeOf(GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => null,
    };

    /// <summary>A bool, a long, an ulong beyond it, or a double.</summary>
    public static object Read(GgufValueType type, ReadOnlySpan<byte> bytes) => type switch
    {
        GgufValueType.UInt8 => (long)bytes[0],
        GgufValueType.Int8 => (long)(sbyte)bytes[0],
        GgufValueType.Bool => bytes[0] != 0,
        GgufValueType.UInt16 => (long)BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        GgufValueType.Int16 => (long)BinaryPrimitives.ReadInt16LittleEndian(bytes),
        GgufValueType.UInt32 => (long)BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        GgufValueType.Int32 => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
        GgufValueType.Float32 => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
        GgufValueType.UInt64 => Narrowed(BinaryPrimitives.ReadUInt64LittleEndian(bytes)),
        GgufValueType.Int64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        GgufValueType.Float64 => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    public static double Number(GgufValueType type, ReadOnlySpan<byte> bytes) => Read(type, bytes) switch
    {
        long whole => whole,
        ulong whole => whole,
        double number => number,
        _ => bytes[0],
    };

    private static object Narrowed(ulong whole) => whole <= long.MaxValue ? (long)whole : whole;

    /// <summary>Its bytes: of what <see cref="Read"/> gives, or of another number that fits the type.</summary>
    public static byte[] Write(GgufValueType type, object value) => type switch
    {
        GgufValueType.UInt8 => [Convert.ToByte(value)],
        GgufValueType.Int8 => [(byte)Convert.ToSByte(value)],
        GgufValueType.Bool => [(bool)value ? (byte)1 : (byte)0],
        GgufValueType.UInt16 => BitConverter.GetBytes(Convert.ToUInt16(value)),
        GgufValueType.Int16 => BitConverter.GetBytes(Convert.ToInt16(value)),
        GgufValueType.UInt32 => BitConverter.GetBytes(Convert.ToUInt32(value)),
        GgufValueType.Int32 => BitConverter.GetBytes(Convert.ToInt32(value)),
        GgufValueType.Float32 => BitConverter.GetBytes(Convert.ToSingle(value)),
        GgufValueType.UInt64 => BitConverter.GetBytes(Convert.ToUInt64(value)),
        GgufValueType.Int64 => BitConverter.GetBytes(Convert.ToInt64(value)),
        GgufValueType.Float64 => BitConverter.GetBytes(Convert.ToDouble(value)),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
