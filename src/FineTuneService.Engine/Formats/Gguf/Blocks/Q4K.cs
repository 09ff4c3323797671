namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q4_K: 256 codes of 4 bits in 8 groups, each with a scale and a minimum of 6 bits.</summary>
internal static class Q4K
{
    public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block), minimum = Plain.Half(block[2..]);
        ReadOnlySpan<byte> codes = block.Slice(16, 128);
        for (int group = 0; group < 8; group++)
        {
            (int groupScale, int groupMinimum) = ScaleAndMinimum(block.Slice(4, 12), group);
            float d = scale * groupScale, m = minimum * groupMinimum;
            for (int i = 0; i < 32; i++) values[group * 32 + i] = d * (codes[group / 2 * 32 + i] >> group % 2 * 4 & 15) - m;
        }
    }

    /// <summary>The first four groups' 6 bits are whole; of the others the high two bits are in the first ones' bytes.</summary>
    public static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : (packed[group + 4] & 15 | packed[group - 4] >> 6 << 4, packed[group + 4] >> 4 | packed[group] >> 6 << 4);
}
