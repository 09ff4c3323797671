using FineTuneService.Data;

namespace FineTuneService.Adapters;

/// <summary>A tenant's adapter: where it lies, and where it came from.</summary>
public sealed class AdapterEntry : ITenantRow
{
    public const int NoRank = 0;

    public long Number { get; set; }

    /// <summary>ad-…</summary>
    public required string Id { get; set; }
    public required string TenantId { get; set; }

    /// <summary>Its name as a model: ft:base:tenant:suffix:id.</summary>
    public required string Model { get; set; }
    public required string BaseModel { get; set; }

    /// <summary>The precision of the base that it was trained on, and is served on (JSON of BasePrecision).</summary>
    public required string Precision { get; set; }

    /// <summary>Folder in PEFT's format, with the templates that it was trained with.</summary>
    public required string Folder { get; set; }
    public long Bytes { get; set; }
    /// <summary><see cref="NoRank"/> of a LLaMA-Adapter, which has no low-rank matrices.</summary>
    public int Rank { get; set; }
    public double Alpha { get; set; }

    /// <summary>The job that trained it; null where it was uploaded.</summary>
    public string? JobId { get; set; }
    public string? TrainingFile { get; set; }
    public int? Step { get; set; }

    /// <summary>What it was combined of (JSON of CombinationLineage); null where it was not.</summary>
    public string? Combination { get; set; }

    /// <summary>It is one of a job's course, and listed there: not what the job came to.</summary>
    public bool IsCheckpoint { get; set; }
    public long CreatedAt { get; set; }

    /// <summary>Unix seconds from which it stays loaded; null: it is not pinned.</summary>
    public long? PinnedAt { get; set; }

    /// <summary>Unix seconds of the last answer that it gave, or nearly; null: none.</summary>
    public long? LastUsedAt { get; set; }
}
