using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Quantization;

/// <summary>
/// The 8-bit dynamic codes (https://arxiv.org/abs/2110.02861, section 1.3): 256 values in [-1, 1] or [0, 1] over seven decades, finer towards 0,
/// times a block's absolute maximum. Double quantization stores scales in the signed one, 8-bit optimizers their moments in both.
/// </summary>
internal sealed class DynamicCode
{
    private const int Decades = 7;

    public static readonly DynamicCode Signed = new(signed: true), Unsigned = new(signed: false);

    private readonly float[] _bounds;
    private readonly CodeBook _table;

    private DynamicCode(bool signed)
    {
        Values = Make(signed);
        _table = new CodeBook(Values).Binned;
        _bounds = [.. Values.Zip(Values.Skip(1), (low, high) => (low + high) / 2)];
    }

    /// <summary>Ascending.</summary>
    public float[] Values { get; }

    /// <summary>
    /// Quantises one block, and returns its absolute maximum. Each code is the nearest, as bitsandbytes' CUDA kernels have it, unless asked
    /// otherwise: its CPU kernel looks codes up in a table of 65,536 bins, and is off by one where values are small.
    /// </summary>
    /// <param name="whole">Whether it is as long as the others: the last one, where it is not, is divided by its scale instead of multiplied
    /// by the reciprocal, which may round otherwise.</param>
    public float QuantizeBlock(ReadOnlySpan<float> values, Span<byte> codes, bool whole, bool byTable = false)
    {
        float absmax = 0;
        foreach (float value in values) absmax = Math.Max(absmax, Math.Abs(value));
        float safe = Math.Max(absmax, 1e-38f), inverse = 1 / safe;
        for (int i = 0; i < values.Length; i++)
        {
            float scaled = whole ? values[i] * inverse : values[i] / safe;
            codes[i] = byTable ? _table.Code(scaled) : Nearest(scaled);
        }
        return absmax;
    }

    /// <summary>The nearest value's code; a tie goes to the lower.</summary>
    public byte Nearest(float scaled)
    {
        int at = Array.BinarySearch(_bounds, scaled);
        return (byte)(at < 0 ? ~at : at);
    }

    private static float[] Make(bool signed)
    {
        var codes = new List<float> { 0, 1 };
        for (int decade = 0; decade < Decades; decade++)
        {
            float scale = (float)Math.Pow(10, decade - (Decades - 1));
            float[] edges = Linspace(0.1f, 1, (1 << decade + (signed ? 0 : 1)) + 1);
            for (int i = 0; i + 1 < edges.Length; i++)
            {
                float mean = (edges[i] + edges[i + 1]) / 2;
                codes.Add(scale * mean);
                if (signed) codes.Add(-scale * mean);
            }
        }
        codes.Sort();
        return [.. codes];
    }

    /// <summary>torch.linspace in fp32, to the bit: the second half counts back from the end, and products are fused.</summary>
    private static float[] Linspace(float start, float end, int count)
    {
        float step = (end - start) / (count - 1);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] =
            i < count / 2 ? MathF.FusedMultiplyAdd(step, i, start) : MathF.FusedMultiplyAdd(-step, count - 1 - i, end);
        return values;
    }
}
