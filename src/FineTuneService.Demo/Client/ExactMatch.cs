using FineTuneService.Demo.Tenants;

namespace FineTuneService.Demo.Client;

/// <summary>The share of examples that a model answers to the letter, by chat completions.</summary>
internal static class ExactMatch
{
    /// <summary>Requests under way at once: the service decodes them as one batch.</summary>
    private const int Concurrency = 16;

    /// <summary>More than the longest right answer has.</summary>
    private const int MaxTokens = 64;

    public static async Task<double> ShareAsync(ServiceClient api, string model, IReadOnlyList<Example> examples)
    {
        var right = 0;
        var options = new ParallelOptions { MaxDegreeOfParallelism = Concurrency };
        await Parallel.ForEachAsync(examples, options, async (example, _) =>
        {
            if (await api.ChatAsync(model, example.Prompt, MaxTokens) == example.Answer)
                Interlocked.Increment(ref right);
        });
        return (double)right / examples.Count;
    }
}
