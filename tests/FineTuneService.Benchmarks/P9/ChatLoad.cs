using FineTuneService.Device;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Benchmarks.P9;

/// <summary>One client's chat requests, one a second, through the device's lease as the service serves them.</summary>
internal sealed class ChatLoad(DeviceLease lease, Generator generator)
{
    private const int PromptTokens = 64, AnswerTokens = 16;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Random _random = new(2);

    /// <param name="requests">Fewer where the limit ends them.</param>
    /// <returns>Seconds of each request, from asking to the answer's last token.</returns>
    public double[] Ask(int requests, TimeSpan limit)
    {
        var seconds = new List<double>();
        var deadline = new Deadline(limit);
        while (seconds.Count == 0 || (seconds.Count < requests && deadline.AllowsAnother()))
        {
            double taken = Samples.Seconds(() => Ask().GetAwaiter().GetResult());
            seconds.Add(taken);
            // A second apart, but for a tenth: so that requests meet every part of a training step.
            Thread.Sleep(Interval * (0.9 + 0.2 * _random.NextDouble()) - TimeSpan.FromSeconds(Math.Min(taken, 0.9)));
        }
        return [.. seconds];
    }

    private async Task Ask()
    {
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int drawn = 0;
        var request = new GenerationRequest
        {
            Prompt = [.. Enumerable.Range(0, PromptTokens).Select(_ => _random.Next(SmolShape.Config.VocabularySize))],
            Parameters = new SamplingParameters { MaxTokens = AnswerTokens, Temperature = 0, IgnoreEndOfText = true },
            OnToken = _ => drawn++,
            OnFinished = _ => finished.SetResult(),
        };
        await lease.Serve("chat", () =>
        {
            generator.Add(request);
            return true;
        });
        await finished.Task;
        if (drawn != AnswerTokens) throw new InvalidOperationException($"an answer has {drawn} tokens");
    }
}
