using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Numbers as they are: F32, F16 and BF16, one a block.</summary>
internal static class Plain
{
    public static void DecodeF32(ReadOnlySpan<byte> block, Span<float> values) => values[0] = BinaryPrimitives.ReadSingleLittleEndian(block);

    public static void EncodeF32(ReadOnlySpan<float> values, Span<byte> block) => BinaryPrimitives.WriteSingleLittleEndian(block, values[0]);

    public static void DecodeF16(ReadOnlySpan<byte> block, Span<float> values) => values[0] = (float)BinaryPrimitives.ReadHalfLittleEndian(block);

    public static void EncodeF16(ReadOnlySpan<float> values, Span<byte> block) => BinaryPrimitives.WriteHalfLittleEndian(block, (Half)values[0]);

    public static void DecodeBf16(ReadOnlySpan<byte> block, Span<float> values) => values[0] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(block) << 16);

    /// <summary>To nearest, ties to even; NaN stays NaN.</summary>
    public static void EncodeBf16(ReadOnlySpan<float> values, Span<byte> block)
    {
        uint bits = BitConverter.SingleToUInt32Bits(values[0]);
        uint rounded = float.IsNaN(values[0]) ? bits & 0xffff0000 | 64 << 16 : bits + 0x7fff + (bits >> 16 & 1);
        BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)(rounded >> 16));
    }

    /// <summary>A block's scale, as most types store it.</summary>
    public static float Half(ReadOnlySpan<byte> bytes) => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes);
}
