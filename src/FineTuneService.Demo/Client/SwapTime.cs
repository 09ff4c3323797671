using System.Diagnostics;

namespace FineTuneService.Demo.Client;

/// <summary>What it costs a request that the request before it used another adapter.</summary>
internal static class SwapTime
{
    private const int Rounds = 40;

    /// <returns>Milliseconds: median of one-token answers with the adapter of the request before, and with another one.</returns>
    public static async Task<(double Same, double Other)> MeasureAsync((ServiceClient Api, string Model) a, (ServiceClient Api, string Model) b)
    {
        await MedianAsync([a, b], 8);
        var same = Math.Min(await MedianAsync([a], Rounds), await MedianAsync([b], Rounds));
        return (same, await MedianAsync([a, b], Rounds));
    }

    private static async Task<double> MedianAsync((ServiceClient Api, string Model)[] turns, int rounds)
    {
        var times = new List<double>();
        for (var i = 0; i < rounds; i++)
        {
            var (api, model) = turns[i % turns.Length];
            var clock = Stopwatch.GetTimestamp();
            await api.ChatAsync(model, "Hello", maxTokens: 1);
            times.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
        }
        return times.Order().ElementAt(rounds / 2);
    }
}
