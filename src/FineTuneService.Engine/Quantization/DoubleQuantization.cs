namespace FineTuneService.Engine.Quantization;

/// <summary>
/// nf4's scales in 8 bits (QLoRA, section 3): their mean is taken off, and blocks of 256 are stored as <see cref="DynamicCode"/>
/// times the block's absolute maximum.
/// </summary>
internal sealed class DoubleQuantization
{
    public const int BlockSize = 256;

    private DoubleQuantization(byte[] quantized, float[] absmax, float offset) => (Quantized, Absmax, Offset) = (quantized, absmax, offset);

    /// <summary>One code for each scale.</summary>
    public byte[] Quantized { get; }

    /// <summary>One for each block of 256 scales (bitsandbytes' nested_absmax).</summary>
    public float[] Absmax { get; }

    /// <summary>The scales' mean.</summary>
    public float Offset { get; }

    public long Bytes => Quantized.Length + (Absmax.Length + 1) * sizeof(float);

    public static DoubleQuantization Of(ReadOnlySpan<float> scales)
    {
        double sum = 0;
        foreach (float scale in scales) sum += scale;
        float offset = (float)(sum / scales.Length);
        var quantized = new byte[scales.Length];
        var absmax = new float[(scales.Length + BlockSize - 1) / BlockSize];
        for (int block = 0; block < absmax.Length; block++)
        {
            int start = block * BlockSize, end = Math.Min(start + BlockSize, scales.Length);
            for (int i = start; i < end; i++) absmax[block] = Math.Max(absmax[block], Math.Abs(scales[i] - offset));
            float inverse = 1 / Math.Max(absmax[block], 1e-38f);
            for (int i = start; i < end; i++) quantized[i] = DynamicCode.Nearest((scales[i] - offset) * inverse);
        }
        return new DoubleQuantization(quantized, absmax, offset);
    }

    /// <summary>From what another program stored, such as a checkpoint of bitsandbytes.</summary>
    public static DoubleQuantization Stored(byte[] quantized, float[] absmax, float offset) => new(quantized, absmax, offset);

    /// <summary>The scales of consecutive nf4 blocks.</summary>
    public void Dequantize(int first, Span<float> scales)
    {
        float[] codes = DynamicCode.Codes, absmax = Absmax;
        ReadOnlySpan<byte> quantized = Quantized.AsSpan(first, scales.Length);
        for (int i = 0; i < scales.Length; i++) scales[i] = codes[quantized[i]] * absmax[(first + i) / BlockSize] + Offset;
    }

    /// <summary>The scale of an nf4 block.</summary>
    public float this[int block] => DynamicCode.Codes[Quantized[block]] * Absmax[block / BlockSize] + Offset;
}
