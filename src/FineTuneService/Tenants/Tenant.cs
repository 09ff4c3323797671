using FineTuneService.Data;

namespace FineTuneService.Tenants;

/// <summary>A customer: the owner of files, jobs and adapters that no other customer can name.</summary>
public sealed class Tenant : IRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string Name { get; set; }
    public long CreatedAt { get; set; }

    /// <summary>JSON of <see cref="Quotas"/>; null: the options' own.</summary>
    public string? Quotas { get; set; }

    /// <summary>Unix seconds from which it is being erased.</summary>
    public long? DeletedAt { get; set; }
}

/// <summary>A tenant's key, of which only the hash is stored.</summary>
public sealed class ApiKey : IRow
{
    public long Number { get; set; }
    public required string Id { get; set; }
    public required string TenantId { get; set; }
    public required string Name { get; set; }

    /// <summary>SHA-256 of the key, in hex. The key has 160 random bits, so it needs no salt and no slow hash.</summary>
    public required string Hash { get; set; }
    public long CreatedAt { get; set; }

    /// <summary>Unix seconds from which it opens nothing; a rotated key may have some time left.</summary>
    public long? RevokedAt { get; set; }
}
