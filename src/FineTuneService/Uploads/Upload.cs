using FineTuneService.Data;

namespace FineTuneService.Uploads;

/// <summary>A file that comes in parts: none of it is a file before the upload is completed.</summary>
public sealed record Upload : ITenantRow
{
    public const string Pending = "pending", Completed = "completed", Cancelled = "cancelled", Expired = "expired";

    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Filename { get; set; }
    public required string Purpose { get; set; }
    public required string MimeType { get; set; }

    /// <summary>That its parts will have together.</summary>
    public long Bytes { get; set; }
    public required string Status { get; set; }
    public long CreatedAt { get; set; }

    /// <summary>An hour after it was begun, its parts go.</summary>
    public long ExpiresAt { get; set; }

    /// <summary>Seconds after which its file goes; null: never.</summary>
    public long? FileExpiresAfter { get; set; }

    /// <summary>The file that it became.</summary>
    public string? FileId { get; set; }
}

/// <summary>A part of an upload: its bytes are a blob.</summary>
public sealed class UploadPart : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string UploadId { get; set; }
    public required string Sha256 { get; set; }
    public long Bytes { get; set; }
    public long CreatedAt { get; set; }
}
