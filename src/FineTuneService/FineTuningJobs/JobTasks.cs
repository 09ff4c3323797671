using FineTuneService.Evaluations;

namespace FineTuneService.FineTuningJobs;

/// <summary>Figures of a job's tasks, each task by its name.</summary>
/// <param name="Before">The base's, in the precision that the job trains against; absent where it could not be evaluated.</param>
/// <param name="After">The adapter's.</param>
public sealed record JobTasks(IReadOnlyDictionary<string, TaskResult>? Before = null, IReadOnlyDictionary<string, TaskResult>? After = null)
{
    /// <summary>A sentence for each task that scores below the base afterwards.</summary>
    public IEnumerable<string> Losses()
    {
        foreach ((string task, TaskResult after) in After ?? new Dictionary<string, TaskResult>())
        {
            // A task's first figure is its own.
            (string name, MetricBody now) = after.Metrics.First();
            if (Before?.GetValueOrDefault(task)?.Metrics.GetValueOrDefault(name) is not { Value: { } was } || now.Value is not { } value || !IsWorse(name, value, was)) continue;
            string sure = now.Stderr is { } error ? $", standard error {error:0.####}" : "";
            yield return FormattableString.Invariant($"task {task} scores below the base afterwards: {name} was {was:0.####} and is {value:0.####}{sure}. In the articles' runs models lost what their instruction data held nothing of, arithmetic first: mix in rows of what has to stay, or train less.");
        }
    }

    private static bool IsWorse(string metric, double value, double was) => metric.Contains("perplexity", StringComparison.Ordinal) ? value > was : value < was;
}
