using FineTuneService.Data;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's status on the wire, in snake case. The last three are ends.</summary>
public static class JobStatus
{
    public const string ValidatingFiles = "validating_files";
    public const string Queued = "queued";
    public const string Running = "running";
    public const string Paused = "paused";
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    public static readonly IReadOnlyList<string> All = [ValidatingFiles, Queued, Running, Paused, Succeeded, Failed, Cancelled];

    public static bool IsEnd(string status) => status is Succeeded or Failed or Cancelled;
}

/// <summary>
/// A fine-tuning job. The row is the queue's truth: whoever works on it has written a random claim id into it, and every write of
/// that worker asks for that id, so one that lost its claim writes nothing.
/// </summary>
public sealed class FineTuningJob : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Status { get; set; }

    /// <summary>The base model's name.</summary>
    public required string Model { get; set; }
    public required string TrainingFile { get; set; }
    public string? ValidationFile { get; set; }

    /// <summary>The files' bytes (keys of the tenant's blobs) and names: the job's own until it ends, whatever becomes of the files.</summary>
    public string? TrainingSha256 { get; set; }
    public string? TrainingFilename { get; set; }
    public string? ValidationSha256 { get; set; }
    public string? ValidationFilename { get; set; }
    public string? TestFile { get; set; }
    public string? TestSha256 { get; set; }
    public string? TestFilename { get; set; }
    public string? Suffix { get; set; }

    /// <summary>JSON of <see cref="JobSettings"/>.</summary>
    public required string Settings { get; set; }

    /// <summary>JSON of the caller's metadata.</summary>
    public string? Metadata { get; set; }

    /// <summary>The worker's claim, or null; and when it runs out, in unix milliseconds.</summary>
    public string? ClaimId { get; set; }
    public long ClaimExpiresAt { get; set; }

    /// <summary>When it was last claimed, in unix milliseconds: tenants take turns by it. 0: never.</summary>
    public long ClaimedAt { get; set; }

    /// <summary>How often it was claimed and came no further: neither to its next state nor to a checkpoint.</summary>
    public int Attempts { get; set; }

    /// <summary>A client has asked for its end.</summary>
    public bool CancelRequested { get; set; }

    /// <summary>A client has asked that it rest until it is resumed.</summary>
    public bool PauseRequested { get; set; }

    /// <summary>A client has asked that it end with what it has learned so far.</summary>
    public bool KeepRequested { get; set; }

    /// <summary>Among its tenant's own jobs, the larger first.</summary>
    public int Priority { get; set; }

    /// <summary>When its last step will have been done, as its steps go, in unix seconds.</summary>
    public long? EstimatedFinish { get; set; }

    /// <summary>The id of the file with its metrics.</summary>
    public string? ResultFile { get; set; }
    public string? FineTunedModel { get; set; }
    public long? TrainedTokens { get; set; }

    /// <summary>JSON of the error object, where it failed.</summary>
    public string? Error { get; set; }

    /// <summary>JSON of <see cref="JobTasks"/>: the tasks' figures so far.</summary>
    public string? Evaluation { get; set; }

    /// <summary>JSON of a list of <see cref="RepeatResult"/>: trainings that have ended.</summary>
    public string? Repeats { get; set; }

    /// <summary>JSON of a list of sentences.</summary>
    public string? Warnings { get; set; }
    public int Step { get; set; }
    public int? TotalSteps { get; set; }
    public double? Epoch { get; set; }
    public double? TrainLoss { get; set; }
    public double? ValidationLoss { get; set; }

    /// <summary>Of the trained adapter, on the test file.</summary>
    public double? TestLoss { get; set; }

    /// <summary>The key that made it; null where an earlier version of the service did not note it.</summary>
    public string? KeyId { get; set; }

    /// <summary>Trained tokens that are in the tenant's usage, and the last step of this training that is among them: one that is trained again, after a kill, is not counted again.</summary>
    public long CountedTokens { get; set; }
    public int CountedStep { get; set; }

    /// <summary>JSON of the run on MLflow that was asked for (<see cref="Integrations.MlflowBody"/>); null: none.</summary>
    public string? Integrations { get; set; }

    /// <summary>JSON of how far that run is, and when it is gone on with, in unix milliseconds: null once all is told. Only the sender writes them.</summary>
    public string? Tracking { get; set; }
    public long? TrackingDueAt { get; set; }

    /// <summary>W3C trace context of the request that made it: the job's own trace links to it.</summary>
    public string? TraceParent { get; set; }
    public long CreatedAt { get; set; }
    public long? StartedAt { get; set; }
    public long? FinishedAt { get; set; }
}

/// <summary>Something that happened to a job, in the order of <see cref="Number"/>.</summary>
public sealed class JobEvent : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string JobId { get; set; }

    /// <summary>info, warn or error.</summary>
    public required string Level { get; set; }

    /// <summary>message or metrics.</summary>
    public required string Type { get; set; }
    public required string Message { get; set; }

    /// <summary>JSON of the numbers, for metrics.</summary>
    public string? Data { get; set; }
    public long CreatedAt { get; set; }
}

/// <summary>A checkpoint that is complete on disk.</summary>
public sealed class JobCheckpoint : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string JobId { get; set; }
    public int Step { get; set; }
    public double? TrainLoss { get; set; }
    public double? ValidationLoss { get; set; }

    /// <summary>The adapter as it was then, and its name as a model; null where an earlier version of the service wrote the row.</summary>
    public string? AdapterId { get; set; }
    public string? Model { get; set; }
    public long CreatedAt { get; set; }
}
