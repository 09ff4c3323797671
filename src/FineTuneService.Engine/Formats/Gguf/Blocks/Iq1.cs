using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>IQ1_S and IQ1_M: vectors of −1, 0 and 1 from a grid, moved up or down by an eighth, and a scale of 3 bits for 32 or 16 numbers.</summary>
internal static class Iq1
{
    private const float Shift = 0.125f;

    /// <summary>32 low bytes of indices; then a word for each group of 32: three high bits of each index, the scale, the shift's sign.</summary>
    public static void DecodeS(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < 32; i++)
        {
            int word = BinaryPrimitives.ReadUInt16LittleEndian(block[(34 + i / 4 * 2)..]);
            Decode(block[2 + i] | (word >> i % 4 * 3 & 7) << 8, scale * (2 * (word >> 12 & 7) + 1), (word & 0x8000) != 0, values.Slice(i * 8, 8));
        }
    }

    /// <summary>32 low bytes of indices; 32 times three high bits and the shift's sign; four words, each of four scales and 4 bits of the block's.</summary>
    public static void DecodeM(ReadOnlySpan<byte> block, Span<float> values)
    {
        Span<ushort> words = stackalloc ushort[4];
        int bits = 0;
        for (int i = 0; i < 4; i++)
        {
            words[i] = BinaryPrimitives.ReadUInt16LittleEndian(block[(48 + i * 2)..]);
            bits |= words[i] >> 12 << 4 * i;
        }
        float scale = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        for (int i = 0; i < 32; i++)
        {
            int high = block[32 + i / 2] >> i % 2 * 4, group = i / 2;
            Decode(block[i] | (high & 7) << 8, scale * (2 * (words[group / 4] >> group % 4 * 3 & 7) + 1), (high & 8) != 0, values.Slice(i * 8, 8));
        }
    }

    private static void Decode(int index, float scale, bool down, Span<float> values)
    {
        ReadOnlySpan<float> vector = Grids.Iq1[index];
        for (int i = 0; i < values.Length; i++) values[i] = scale * (vector[i] + (down ? -Shift : Shift));
    }
}
