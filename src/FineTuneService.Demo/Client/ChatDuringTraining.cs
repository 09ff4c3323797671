using System.Diagnostics;

namespace FineTuneService.Demo.Client;

/// <summary>Somebody chats with the base model all the while; notes how long each answer takes.</summary>
internal sealed class ChatDuringTraining(ServiceClient api, string model)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly List<double> _milliseconds = [];

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var clock = Stopwatch.GetTimestamp();
            await api.ChatAsync(model, "A lamp costs 12 talers. A kettle costs 31 talers.\nWhat does the kettle cost?", maxTokens: 16);
            _milliseconds.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            await Task.Delay(Pause, CancellationToken.None);
        }
    }

    public override string ToString()
    {
        var sorted = _milliseconds.Order().ToArray();
        return sorted.Length == 0
            ? "no chat request was answered"
            : $"{sorted.Length} chat requests were answered, median {sorted[sorted.Length / 2]:F0} ms, slowest {sorted[^1]:F0} ms";
    }
}
