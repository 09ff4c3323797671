using FineTuneService.Data;

namespace FineTuneService.Evaluations;

/// <summary>An evaluation that has been answered.</summary>
public sealed class StoredEvaluation : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }

    /// <summary>JSON of the answer.</summary>
    public required string Body { get; set; }

    /// <summary>Of the answer: they count as the tenant's stored bytes.</summary>
    public long Bytes { get; set; }
    public long CreatedAt { get; set; }
}
