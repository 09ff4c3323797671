using FineTuneService.Device;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Training;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>How long a job's steps will take, by a few that are done: no formula knows the machine.</summary>
internal sealed class StepTime(Tradeoff tradeoff, ResidentModels resident, ModelTexts texts)
{
    /// <summary>Bounds what is measured: others wait for its decoder blocks only, but a job stands still for all of it.</summary>
    private const int MostRows = 4, MostTokens = 2048, Steps = 2;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    /// <param name="loads">Whether a base that is not loaded is loaded for it, which may take long.</param>
    /// <returns>Seconds, or null where nothing was measured.</returns>
    public async Task<double?> OfAllSteps(JobSettings settings, TrainingData data, ModelEntry model, TrainingEstimate estimate, string tenant, bool loads, CancellationToken cancel)
    {
        // Full training would need a copy of the base.
        if (settings.Technique == JobTechnique.Full || !loads && !await resident.Holds(new AskedModel(texts.Of(model.Folder), settings.Precision))) return null;
        TrainingConfig config = settings.For(data.Train.Count);
        TrainingRow[] rows = Typical(data.Train, config.MicroBatchSize);
        config = config with { MicroBatchSize = rows.Length, GradientAccumulationSteps = 1, MaxSteps = Steps, EarlyStopping = null, KeepBest = false, InitialWeights = null };
        using var longest = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        longest.CancelAfter(Longest);
        try
        {
            TradeoffRow measured = await tradeoff.Measure(new TradeoffRow("", "", "", null, null, null), tenant, model, settings.Precision, config, rows, longest.Token);
            return measured.SecondsPerStep is { } seconds ? Math.Round(seconds / rows.Sum(Tokens) * estimate.Tokens, 3) : null;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Rows of the middle length, as many as go through together, and as are soon done.</summary>
    private static TrainingRow[] Typical(IReadOnlyList<TrainingRow> rows, int microBatch)
    {
        int[] byLength = [.. Enumerable.Range(0, rows.Count).OrderBy(i => rows[i].Longest)];
        int count = Math.Clamp(MostTokens / Math.Max(1, rows[byLength[rows.Count / 2]].Longest), 1, Math.Min(Math.Min(MostRows, microBatch), rows.Count));
        int first = Math.Clamp(rows.Count / 2 - count / 2, 0, rows.Count - count);
        return [.. byLength[first..(first + count)].Select(i => rows[i])];
    }

    private static long Tokens(TrainingRow row) => row.Ids.Length + (row.Rejected?.Ids.Length ?? 0);
}
