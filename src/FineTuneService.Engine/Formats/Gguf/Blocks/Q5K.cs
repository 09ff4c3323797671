namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q5_K: as Q4_K, with a fifth bit of each code apart.</summary>
internal static class Q5K
{
    public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block), minimum = Plain.Half(block[2..]);
        ReadOnlySpan<byte> high = block.Slice(16, 32), codes = block.Slice(48, 128);
        for (int group = 0; group < 8; group++)
        {
            (int groupScale, int groupMinimum) = Q4K.ScaleAndMinimum(block.Slice(4, 12), group);
            float d = scale * groupScale, m = minimum * groupMinimum;
            for (int i = 0; i < 32; i++)
            {
                int code = codes[group / 2 * 32 + i] >> group % 2 * 4 & 15 | (high[i] >> group & 1) << 4;
                values[group * 32 + i] = d * code - m;
            }
        }
    }
}
