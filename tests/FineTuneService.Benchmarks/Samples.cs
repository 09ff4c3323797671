using System.Diagnostics;

namespace FineTuneService.Benchmarks;

/// <summary>Times of one thing done several times.</summary>
internal static class Samples
{
    public static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>The middle one: a neighbour's burst on a shared machine moves it least.</summary>
    public static double Median(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
