namespace FineTuneService.Engine.Quantization;

/// <summary>
/// Sixteen values in [-1, 1] that 4-bit codes stand for, times a block's absolute maximum. Bytes are those of bitsandbytes' CPU kernels: element
/// 2i is the high nibble, 2i+1 the low, and an odd count is padded with the code of 0.
/// </summary>
internal sealed class FourBitCode
{
    private readonly byte[] _ascending;
    private readonly float[] _bounds;

    /// <param name="values">One for each code, in any order.</param>
    public FourBitCode(params float[] values)
    {
        Values = values;
        // A stable order: of fp4's two zeros the positive one is first.
        _ascending = [.. Enumerable.Range(0, values.Length).OrderBy(code => values[code]).Select(code => (byte)code)];
        _bounds = [.. _ascending.Zip(_ascending.Skip(1), (low, high) => (values[low] + values[high]) / 2)];
    }

    public float[] Values { get; }

    /// <summary>Bytes of so many codes.</summary>
    public static long PackedBytes(long count) => (count + 1) / 2;

    /// <summary>Quantises one block, and returns its scale.</summary>
    /// <param name="packed">(values.Length + 1) / 2 bytes.</param>
    /// <param name="whole">Whether it is as long as the others: the last one, where it is not, is divided by its scale instead of multiplied
    /// by the reciprocal, which may round otherwise.</param>
    public float QuantizeBlock(ReadOnlySpan<float> values, Span<byte> packed, bool whole)
    {
        float absmax = 0;
        foreach (float value in values) absmax = Math.Max(absmax, Math.Abs(value));
        float safe = Math.Max(absmax, 1e-38f), inverse = 1 / safe;
        for (int i = 0; i < packed.Length; i++)
        {
            int high = Code(Scaled(values[2 * i])), low = Code(2 * i + 1 < values.Length ? Scaled(values[2 * i + 1]) : 0);
            packed[i] = (byte)(high << 4 | low);
        }
        return whole ? absmax : safe;

        float Scaled(float value) => whole ? value * inverse : value / safe;
    }

    /// <summary>The nearest value's code, a tie going to the lower: four comparisons, as the bounds are sorted.</summary>
    private byte Code(float scaled)
    {
        int at = 0;
        for (int step = 8; step > 0; step /= 2)
        {
            if (scaled > _bounds[at + step - 1]) at += step;
        }
        return _ascending[at];
    }
}
