namespace FineTuneService.Engine.Quantization;

/// <summary>
/// 4-bit NormalFloat (QLoRA, https://arxiv.org/abs/2305.14314, appendix E) in blocks of 64 values that cross rows, with
/// bitsandbytes' bytes: element 2i is the high nibble, 2i+1 the low, and an odd count is padded with the code of 0.
/// </summary>
internal static class Nf4
{
    public const int BlockSize = 64;

    /// <summary>The value of each code: quantiles of a normal distribution, scaled to [-1, 1], with an exact 0.</summary>
    public static readonly float[] Codes =
    [
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
        -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
    ];

    private const int ZeroCode = 7;

    /// <summary>Midpoints between neighbouring codes; a tie goes to the lower.</summary>
    private static readonly float[] Bounds = [.. Codes.Zip(Codes.Skip(1), (low, high) => (low + high) / 2)];

    public static long Blocks(long count) => (count + BlockSize - 1) / BlockSize;

    public static long PackedBytes(long count) => (count + 1) / 2;

    /// <summary>Quantises one block of at most 64 values, and returns its absolute maximum.</summary>
    /// <param name="packed">(values.Length + 1) / 2 bytes.</param>
    public static float QuantizeBlock(ReadOnlySpan<float> values, Span<byte> packed)
    {
        float absmax = 0;
        foreach (float value in values) absmax = Math.Max(absmax, Math.Abs(value));
        float inverse = 1 / Math.Max(absmax, 1e-38f);
        for (int i = 0; i < packed.Length; i++)
        {
            int high = Code(values[2 * i] * inverse);
            int low = 2 * i + 1 < values.Length ? Code(values[2 * i + 1] * inverse) : ZeroCode;
            packed[i] = (byte)(high << 4 | low);
        }
        return absmax;
    }

    /// <summary>Index of the nearest code: four comparisons, as the bounds are sorted.</summary>
    private static int Code(float scaled)
    {
        int code = 0;
        for (int step = 8; step > 0; step /= 2)
        {
            if (scaled > Bounds[code + step - 1]) code += step;
        }
        return code;
    }
}
