using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>IQ4_NL and IQ4_XS: 4-bit codes of a book of 16 values that lie closer near zero.</summary>
internal static class Iq4
{
    private static ReadOnlySpan<sbyte> Book => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    public static void DecodeNl(ReadOnlySpan<byte> block, Span<float> values) => Decode(Plain.Half(block), block.Slice(2, 16), values);

    /// <summary>Eight groups of 32, each with a scale of 6 bits: four low ones, then two high ones of all in a word.</summary>
    public static void DecodeXs(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        int high = BinaryPrimitives.ReadUInt16LittleEndian(block[2..]);
        for (int group = 0; group < 8; group++)
        {
            int groupScale = block[4 + group / 2] >> group % 2 * 4 & 15 | (high >> 2 * group & 3) << 4;
            Decode(scale * (groupScale - 32), block.Slice(8 + group * 16, 16), values.Slice(group * 32, 32));
        }
    }

    private static void Decode(float scale, ReadOnlySpan<byte> codes, Span<float> values)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            values[i] = scale * Book[codes[i] & 15];
            values[i + codes.Length] = scale * Book[codes[i] >> 4];
        }
    }
}
