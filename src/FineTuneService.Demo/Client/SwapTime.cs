using System.Diagnostics;

namespace FineTuneService.Demo.Client;

/// <summary>
/// What it costs a request that the request before it used another adapter. Requests go a a b b a a b b …, so that each one after the
/// same adapter stands beside one after the other: what slows the machine for a moment slows both.
/// </summary>
internal static class SwapTime
{
    private const int WarmUp = 16;
    private const int Pairs = 200;

    /// <param name="Same">Milliseconds of one-token answers after a request with the same adapter, ascending.</param>
    /// <param name="Other">After one with the other adapter, ascending.</param>
    /// <param name="Cost">Of each pair, the second minus the first, ascending.</param>
    public sealed record Times(double[] Same, double[] Other, double[] Cost)
    {
        public override string ToString() => $"""
              one token, median of {Pairs} requests each: {At(Same, 0.5):F2} ms after one with the same adapter, {At(Other, 0.5):F2} ms after one with the other
              a swap costs {At(Cost, 0.5):+0.00;-0.00} ms (median of {Pairs} pairs; the middle half lies in {At(Cost, 0.25):+0.00;-0.00} … {At(Cost, 0.75):+0.00;-0.00} ms)
            """;

        private static double At(double[] sorted, double share) => sorted[(int)(share * (sorted.Length - 1))];
    }

    public static async Task<Times> MeasureAsync((ServiceClient Api, string Model) a, (ServiceClient Api, string Model) b)
    {
        for (var i = 0; i < WarmUp; i++)
            await OneAsync(i % 2 == 0 ? a : b);
        var pairs = new (double Same, double Other)[Pairs];
        var (current, next) = (a, b);
        await OneAsync(current);
        for (var i = 0; i < Pairs; i++)
        {
            pairs[i] = (await OneAsync(current), await OneAsync(next));
            (current, next) = (next, current);
        }
        return new Times([.. pairs.Select(p => p.Same).Order()], [.. pairs.Select(p => p.Other).Order()], [.. pairs.Select(p => p.Other - p.Same).Order()]);
    }

    /// <returns>Milliseconds of a one-token answer.</returns>
    private static async Task<double> OneAsync((ServiceClient Api, string Model) who)
    {
        var clock = Stopwatch.GetTimestamp();
        await who.Api.ChatAsync(who.Model, "Hello", maxTokens: 1);
        return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
    }
}
