namespace FineTuneService.Engine.Quantization;

/// <summary>
/// The signed 8-bit dynamic code (https://arxiv.org/abs/2110.02861, section 1.3) that double quantization stores nf4's scales in:
/// 256 values, seven decades, finer towards 0.
/// </summary>
internal static class DynamicCode
{
    private const int Decades = 7;

    /// <summary>Ascending.</summary>
    public static readonly float[] Codes = Make();

    private static readonly float[] Bounds = [.. Codes.Zip(Codes.Skip(1), (low, high) => (low + high) / 2)];

    /// <summary>The nearest code's index; a tie goes to the lower.</summary>
    public static byte Nearest(float scaled)
    {
        int at = Array.BinarySearch(Bounds, scaled);
        return (byte)(at < 0 ? ~at : at);
    }

    private static float[] Make()
    {
        var codes = new List<float> { 0, 1 };
        for (int decade = 0; decade < Decades; decade++)
        {
            float scale = (float)Math.Pow(10, decade - (Decades - 1));
            float[] edges = Linspace(0.1f, 1, (1 << decade) + 1);
            for (int i = 0; i + 1 < edges.Length; i++)
            {
                float mean = (edges[i] + edges[i + 1]) / 2;
                codes.Add(scale * mean);
                codes.Add(-scale * mean);
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
