using Polly;
using Polly.Retry;

namespace FineTuneService.Hub;

/// <summary>How what may pass is tried again: after the time that the hub names, or after pauses that double.</summary>
internal static class HubRetry
{
    private const int Attempts = 8;

    public static readonly ResiliencePipeline Pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = new PredicateBuilder().Handle<HubTroubleException>(),
        MaxRetryAttempts = Attempts,
        Delay = TimeSpan.FromMilliseconds(250),
        MaxDelay = TimeSpan.FromMinutes(1),
        BackoffType = DelayBackoffType.Exponential,
        UseJitter = true,
        DelayGenerator = failed => new((failed.Outcome.Exception as HubTroubleException)?.RetryAfter),
    }).Build();

    /// <exception cref="HubException">The trouble did not pass.</exception>
    public static async Task<T> Run<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancel)
    {
        try
        {
            return await Pipeline.ExecuteAsync(async token => await work(token), cancel);
        }
        catch (HubTroubleException trouble)
        {
            throw GivenUp(trouble);
        }
    }

    public static HubException GivenUp(HubTroubleException trouble) => new("hub_unavailable",
        $"The download was given up after {Attempts + 1} tries: {trouble.Message}. Register the base again to go on with what has arrived.");
}
