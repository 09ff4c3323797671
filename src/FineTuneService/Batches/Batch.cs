using FineTuneService.Data;

namespace FineTuneService.Batches;

/// <summary>A batch's status on the wire, in OpenAI's words.</summary>
public static class BatchStatus
{
    public const string Validating = "validating", InProgress = "in_progress", Finalizing = "finalizing", Cancelling = "cancelling";
    public const string Completed = "completed", Failed = "failed", Expired = "expired", Cancelled = "cancelled";

    /// <summary>Not an end.</summary>
    public static readonly string[] UnderWay = [Validating, InProgress, Finalizing, Cancelling];
}

/// <summary>A file of requests that are answered when there is room.</summary>
public sealed class Batch : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Endpoint { get; set; }
    public required string InputFileId { get; set; }

    /// <summary>The input's bytes, the batch's own until it ends.</summary>
    public required string InputSha256 { get; set; }
    public required string Status { get; set; }

    /// <summary>The key that made it; null where an earlier version of the service did not note it.</summary>
    public string? KeyId { get; set; }

    /// <summary>JSON of the caller's metadata.</summary>
    public string? Metadata { get; set; }

    /// <summary>JSON of a list of <see cref="BatchProblem"/>.</summary>
    public string? Errors { get; set; }

    /// <summary>Chosen before the file is made, so that one that was made before a kill is not made again.</summary>
    public string? OutputFileId { get; set; }
    public string? ErrorFileId { get; set; }

    /// <summary>Seconds after which its files go; null: never.</summary>
    public long? OutputExpiresAfter { get; set; }
    public int Total { get; set; }
    public int Completed { get; set; }
    public int Failed { get; set; }
    public long InputTokens { get; set; }
    public long OutputTokens { get; set; }
    public long CreatedAt { get; set; }
    public long ExpiresAt { get; set; }
    public long? InProgressAt { get; set; }
    public long? FinalizingAt { get; set; }
    public long? CompletedAt { get; set; }
    public long? FailedAt { get; set; }
    public long? ExpiredAt { get; set; }
    public long? CancellingAt { get; set; }
    public long? CancelledAt { get; set; }
}

/// <summary>What a line of a batch came to. It is there until the batch's files are.</summary>
public sealed class BatchLine : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string BatchId { get; set; }

    /// <summary>In the input, from 1.</summary>
    public int Line { get; set; }

    /// <summary>The output file's line, JSON.</summary>
    public required string Output { get; set; }

    /// <summary>It belongs into the error file.</summary>
    public bool IsError { get; set; }
}
