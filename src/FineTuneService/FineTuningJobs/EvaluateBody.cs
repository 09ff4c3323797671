using FineTuneService.Evaluations;

namespace FineTuneService.FineTuningJobs;

/// <summary>lm-evaluation-harness's tasks around a job.</summary>
public sealed record EvaluateBody
{
    /// <summary>The harness's names, as in /v1/evaluations.</summary>
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>Uploaded data by task name.</summary>
    public Dictionary<string, TaskFilesBody>? TaskFiles { get; init; }
    public int? NumFewshot { get; init; }

    /// <summary>Only the first so many questions of each task.</summary>
    public int? Limit { get; init; }
}
