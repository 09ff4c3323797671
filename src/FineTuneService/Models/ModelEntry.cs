using FineTuneService.Data;

namespace FineTuneService.Models;

/// <summary>A model that needs no adapter: a base that everybody sees, or a tenant's own, merged or trained whole.</summary>
public sealed class ModelEntry : ITenantRow
{
    public long Number { get; set; }

    /// <summary>Its name on the wire.</summary>
    public required string Id { get; set; }

    /// <summary>Empty for a base.</summary>
    public required string TenantId { get; set; }

    /// <summary>The Hugging Face folder, or the path of a GGUF file.</summary>
    public required string Folder { get; set; }

    /// <summary>What it was made of: the id of the adapter that was merged, or the name of the base that was trained whole; null for a base.</summary>
    public string? AdapterId { get; set; }
    public long CreatedAt { get; set; }
}
