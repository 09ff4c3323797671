using FineTuneService.Data;

namespace FineTuneService.Files;

/// <summary>An uploaded file. Its bytes are a blob; the row is there only once they are safe.</summary>
public sealed class StoredFile : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Filename { get; set; }
    public required string Purpose { get; set; }
    public long Bytes { get; set; }

    /// <summary>The blob's key: SHA-256 of the bytes, in hex.</summary>
    public required string Sha256 { get; set; }
    public long CreatedAt { get; set; }

    /// <summary>Unix seconds; null: it stays until it is deleted.</summary>
    public long? ExpiresAt { get; set; }
}
