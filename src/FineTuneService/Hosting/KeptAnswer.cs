using FineTuneService.Data;

namespace FineTuneService.Hosting;

/// <summary>The answer of a POST with an Idempotency-Key: the same request again gets it again.</summary>
public sealed class KeptAnswer : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Key { get; set; }

    /// <summary>SHA-256 of method, path and body, in hex.</summary>
    public required string Request { get; set; }
    public int Status { get; set; }
    public string? ContentType { get; set; }
    public required byte[] Body { get; set; }

    /// <summary>Unix seconds. It is kept for a day.</summary>
    public long CreatedAt { get; set; }
}
