using FineTuneService.Data;

namespace FineTuneService.Aliases;

/// <summary>A tenant's own name for a model, which stays while the model behind it is another.</summary>
public sealed class Alias : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Name { get; set; }

    /// <summary>The model's own name.</summary>
    public required string Target { get; set; }

    /// <summary>Of the <see cref="AliasMove"/> that holds.</summary>
    public int Version { get; set; }
    public long CreatedAt { get; set; }
    public long UpdatedAt { get; set; }
}

/// <summary>What an alias has named, from when on.</summary>
public sealed class AliasMove : ITenantRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string AliasId { get; set; }

    /// <summary>Counts the alias's moves, from 1.</summary>
    public int Version { get; set; }
    public required string Target { get; set; }
    public long CreatedAt { get; set; }

    /// <summary>Unix seconds at which it was taken back; a rollback does not come to it again.</summary>
    public long? RolledBackAt { get; set; }
}
