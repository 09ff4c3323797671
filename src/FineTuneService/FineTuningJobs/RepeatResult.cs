using FineTuneService.Engine.Evaluation.Metrics;
using FineTuneService.Evaluations;

namespace FineTuneService.FineTuningJobs;

/// <summary>What one of a job's trainings came to.</summary>
/// <param name="TrainLoss">Of its last step.</param>
/// <param name="Tasks">The tasks' figures after it.</param>
public sealed record RepeatResult(ulong Seed, long TrainedTokens, double? TrainLoss = null, double? ValidationLoss = null, IReadOnlyDictionary<string, TaskResult>? Tasks = null);

/// <summary>A figure over several trainings.</summary>
/// <param name="Deviation">The sample's (n − 1); absent for one.</param>
public sealed record OverSeeds(double Mean, double? Deviation);

/// <summary>A job's trainings that have ended, and how far apart they are.</summary>
/// <param name="Tasks">By task, each metric by its name.</param>
public sealed record RepeatsBody(
    IReadOnlyList<RepeatResult> Runs, OverSeeds? TrainLoss = null, OverSeeds? ValidationLoss = null,
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, OverSeeds>>? Tasks = null)
{
    public static RepeatsBody Of(IReadOnlyList<RepeatResult> runs)
    {
        RepeatResult[] evaluated = [.. runs.Where(run => run.Tasks is not null)];
        return new RepeatsBody(
            runs, Over(runs.Select(run => run.TrainLoss)), Over(runs.Select(run => run.ValidationLoss)),
            evaluated.Length == 0 ? null : evaluated[0].Tasks!.ToDictionary(task => task.Key, task => Metrics(task.Key, task.Value, evaluated)));
    }

    private static IReadOnlyDictionary<string, OverSeeds> Metrics(string task, TaskResult first, IEnumerable<RepeatResult> runs) => first.Metrics.Keys
        .Select(metric => (metric, Over(runs.Select(run => run.Tasks!.GetValueOrDefault(task)?.Metrics.GetValueOrDefault(metric)?.Value))))
        .Where(pair => pair.Item2 is not null).ToDictionary(pair => pair.metric, pair => pair.Item2!);

    private static OverSeeds? Over(IEnumerable<double?> values)
    {
        double[] numbers = [.. values.OfType<double>()];
        return numbers.Length == 0 ? null : new OverSeeds(numbers.Average(), Spread.OfMean(numbers) * Math.Sqrt(numbers.Length));
    }
}
