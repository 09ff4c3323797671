namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>How sure a share of right answers is.</summary>
public static class Spread
{
    private const double Normal95 = 1.959963984540054;

    /// <summary>Standard error of a mean, from the sample's own spread (n − 1), as lm-evaluation-harness has it; null for a single value.</summary>
    public static double? OfMean(IReadOnlyCollection<double> values)
    {
        if (values.Count < 2) return null;
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / (values.Count - 1) / values.Count);
    }

    /// <summary>Standard error of a share, √(p(1 − p)/n).</summary>
    public static double OfShare(double share, int count) => Math.Sqrt(share * (1 - share) / count);

    /// <summary>Wilson's interval, which holds the true share with 95 %; useful for few answers, and near 0 and 1.</summary>
    public static (double Low, double High) Wilson95(double share, int count)
    {
        double squared = Normal95 * Normal95, scale = 1 + squared / count, middle = (share + squared / (2 * count)) / scale;
        double half = Normal95 * Math.Sqrt(share * (1 - share) / count + squared / (4.0 * count * count)) / scale;
        return (middle - half, middle + half);
    }
}
