using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>IQ2_XXS, IQ2_XS and IQ2_S: vectors of eight from a grid, with signs, and a scale of 4 bits for 32 or 16 numbers.</summary>
internal static class Iq2
{
    /// <summary>Eight groups of 32: four indices of 8 bits; then four times 7 signs, and the scale.</summary>
    public static void DecodeXxs(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int group = 0; group < 8; group++)
        {
            ReadOnlySpan<byte> indices = block.Slice(2 + group * 8, 4);
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(block[(6 + group * 8)..]);
            float groupScale = Scale(scale, word >> 28);
            for (int i = 0; i < 4; i++) Grids.Iq2Xxs.Decode(indices[i], groupScale, Grid.EvenSigns(word >> 7 * i), values[(group * 32 + i * 8)..]);
        }
    }

    /// <summary>32 words of an index of 9 bits and 7 signs; then the scales of 16 groups.</summary>
    public static void DecodeXs(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < 32; i++)
        {
            uint word = BinaryPrimitives.ReadUInt16LittleEndian(block[(2 + i * 2)..]);
            Grids.Iq2Xs.Decode((int)word & 511, Scale(scale, Nibble(block[66..], i / 2)), Grid.EvenSigns(word >> 9), values[(i * 8)..]);
        }
    }

    /// <summary>32 low bytes of indices, 32 bytes of signs, two high bits of each index; then the scales of 16 groups.</summary>
    public static void DecodeS(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < 32; i++)
        {
            int index = block[2 + i] | (block[66 + i / 4] >> i % 4 * 2 & 3) << 8;
            Grids.Iq2S.Decode(index, Scale(scale, Nibble(block[74..], i / 2)), block[34 + i], values[(i * 8)..]);
        }
    }

    private static float Scale(float block, uint group) => block * (0.5f + group) * 0.25f;

    private static uint Nibble(ReadOnlySpan<byte> bytes, int i) => (uint)bytes[i / 2] >> i % 2 * 4 & 15;
}
