namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>MXFP4 and NVFP4: numbers of 4 bits (1 sign, 2 exponent, 1 mantissa) with a scale a group.</summary>
internal static class Fp4
{
    // Twice the numbers, so that they are whole; the scales are halved.
    private static ReadOnlySpan<sbyte> Book => [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

    /// <summary>32 numbers, whose scale is a power of two (E8M0).</summary>
    public static void DecodeMx(ReadOnlySpan<byte> block, Span<float> values) => Decode(MathF.ScaleB(0.5f, block[0] - 127), block.Slice(1, 16), values);

    /// <summary>Four groups of 16, whose scales are unsigned E4M3.</summary>
    public static void DecodeNv(ReadOnlySpan<byte> block, Span<float> values)
    {
        for (int group = 0; group < 4; group++) Decode(E4M3(block[group]) / 2, block.Slice(4 + group * 8, 8), values.Slice(group * 16, 16));
    }

    private static void Decode(float scale, ReadOnlySpan<byte> codes, Span<float> values)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            values[i] = scale * Book[codes[i] & 15];
            values[i + codes.Length] = scale * Book[codes[i] >> 4];
        }
    }

    private static float E4M3(byte bits)
    {
        int exponent = bits >> 3 & 15, mantissa = bits & 7;
        if ((bits & 127) == 127) return 0; // NaN, which ggml reads as nothing.
        return exponent == 0 ? MathF.ScaleB(mantissa, -9) : MathF.ScaleB(1 + mantissa / 8f, exponent - 7);
    }
}
