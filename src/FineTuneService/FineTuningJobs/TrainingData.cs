using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's files as tokens, or what is wrong with them. Rows may lie in temporary files, which go with it.</summary>
/// <param name="Template">The prompt that the rows were put into, which goes with the adapter; null where rows needed none.</param>
/// <param name="Refused">The field of the job whose file has the problems; null where there are none.</param>
internal sealed record TrainingData(
    IReadOnlyList<TrainingRow> Train, IReadOnlyList<TrainingRow> Validation, IReadOnlyList<TrainingRow> Test, PromptTemplate? Template,
    string? Refused, IReadOnlyList<DatasetProblem> Problems, IReadOnlyList<string> Warnings, int Truncated) : IDisposable
{
    public long Tokens { get; } = Train.Sum(row => (long)row.Ids.Length + (row.Rejected?.Ids.Length ?? 0));

    /// <summary>Of the training file.</summary>
    public DatasetFormat Format { get; init; }

    public int LongestRow { get; } = Train.Count == 0 ? 0 : Train.Max(row => row.Longest);

    /// <summary>What has to be let go of.</summary>
    public required IReadOnlyList<IDisposable> Held { private get; init; }

    /// <summary>The job's error, where its files have problems.</summary>
    public JobError? Error => Refused is null ? null : new JobError($"invalid_{Refused}", Problems.Summary(), Refused);

    public void Dispose()
    {
        foreach (IDisposable held in Held) held.Dispose();
    }
}
