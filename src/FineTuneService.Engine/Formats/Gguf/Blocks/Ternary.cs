namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>TQ1_0 and TQ2_0: −1, 0 and 1 with a scale; five digits of base 3 in a byte, or four codes of 2 bits.</summary>
internal static class Ternary
{
    private static ReadOnlySpan<byte> PowersOf3 => [1, 3, 9, 27, 81];

    public static void Decode1(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block[52..]);
        // 32 bytes of five digits each, then 16 bytes of five, then 4 bytes of four.
        int at = Digits(block[..32], 5, scale, values);
        at += Digits(block.Slice(32, 16), 5, scale, values[at..]);
        Digits(block.Slice(48, 4), 4, scale, values[at..]);
    }

    public static void Decode2(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block[64..]);
        for (int i = 0; i < values.Length; i++) values[i] = scale * ((block[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3) - 1);
    }

    private static int Digits(ReadOnlySpan<byte> bytes, int digits, float scale, Span<float> values)
    {
        for (int digit = 0; digit < digits; digit++)
        {
            // A byte is a fraction of 256: multiplied by a power of 3, what is left of it times 3 has the next digit before the point.
            for (int i = 0; i < bytes.Length; i++) values[digit * bytes.Length + i] = scale * (((byte)(bytes[i] * PowersOf3[digit]) * 3 >> 8) - 1);
        }
        return digits * bytes.Length;
    }
}
