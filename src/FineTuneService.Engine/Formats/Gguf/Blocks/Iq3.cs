using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>IQ3_XXS and IQ3_S: vectors of four from a grid, with signs, and a scale of 4 bits for 32 numbers.</summary>
internal static class Iq3
{
    /// <summary>64 indices of 8 bits; then for each group of 32 four times 7 signs, and the scale.</summary>
    public static void DecodeXxs(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < 64; i++)
        {
            uint word = BinaryPrimitives.ReadUInt32LittleEndian(block[(66 + i / 8 * 4)..]);
            int signs = Grid.EvenSigns(word >> i % 8 / 2 * 7) >> i % 2 * 4;
            Grids.Iq3Xxs.Decode(block[2 + i], scale * (0.5f + (word >> 28)) * 0.5f, signs, values[(i * 4)..]);
        }
    }

    /// <summary>64 low bytes of indices, their ninth bits, 32 bytes of signs, four bytes of scales.</summary>
    public static void DecodeS(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < 64; i++)
        {
            int index = block[2 + i] | (block[66 + i / 8] >> i % 8 & 1) << 8, group = i / 8;
            int groupScale = block[106 + group / 2] >> group % 2 * 4 & 15;
            Grids.Iq3S.Decode(index, scale * (1 + 2 * groupScale), block[74 + i / 2] >> i % 2 * 4, values[(i * 4)..]);
        }
    }
}
