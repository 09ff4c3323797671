namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q3_K: 256 codes of 3 bits, the third in a mask, 16 scales of 6 bits, and a scale of them.</summary>
internal static class Q3K
{
    public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> high = block[..32], codes = block.Slice(32, 64), scales = block.Slice(96, 12);
        float scale = Plain.Half(block[108..]);
        for (int i = 0; i < values.Length; i++)
        {
            (int half, int quarter, int within) = (i / 128, i % 128 / 32, i % 32);
            int code = codes[half * 32 + within] >> 2 * quarter & 3, third = high[within] >> (half * 4 + quarter) & 1;
            values[i] = scale * (Scale(scales, i / 16) - 32) * (code - (third == 1 ? 0 : 4));
        }
    }

    private static int Scale(ReadOnlySpan<byte> scales, int group)
    {
        int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
        return low | (scales[8 + group % 4] >> 2 * (group / 4) & 3) << 4;
    }
}
