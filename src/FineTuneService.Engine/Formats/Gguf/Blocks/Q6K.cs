namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q6_K: 256 codes of 6 bits, four low and two high, 16 scales of 8 bits, and a scale of them.</summary>
internal static class Q6K
{
    public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
    {
        ReadOnlySpan<byte> low = block[..128], high = block.Slice(128, 64), scales = block.Slice(192, 16);
        float scale = Plain.Half(block[208..]);
        for (int i = 0; i < values.Length; i++)
        {
            (int half, int quarter, int within) = (i / 128, i % 128 / 32, i % 32);
            int four = low[half * 64 + quarter % 2 * 32 + within] >> quarter / 2 * 4 & 15;
            int two = high[half * 32 + within] >> 2 * quarter & 3;
            values[i] = scale * (sbyte)scales[i / 16] * ((four | two << 4) - 32);
        }
    }
}
