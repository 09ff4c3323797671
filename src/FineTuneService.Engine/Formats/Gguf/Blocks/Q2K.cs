namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q2_K: 16 scales and minima of 4 bits, 256 codes of 2 bits, and a scale of each.</summary>
internal static class Q2K
{
    public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> scales = block[..16], codes = block.Slice(16, 64);
        float scale = Plain.Half(block[80..]), minimum = Plain.Half(block[82..]);
        for (int i = 0; i < values.Length; i++)
        {
            (int half, int shift, int within) = (i / 128, i % 128 / 32 * 2, i % 32);
            byte group = scales[i / 16];
            values[i] = scale * (group & 15) * (codes[half * 32 + within] >> shift & 3) - minimum * (group >> 4);
        }
    }
}
