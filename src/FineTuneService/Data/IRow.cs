namespace FineTuneService.Data;

/// <summary>A row with an id on the wire.</summary>
public interface IRow
{
    /// <summary>Counts up; newer rows have larger numbers.</summary>
    long Number { get; }
    string Id { get; }
}

/// <summary>A row that belongs to a tenant: every query sees only the current tenant's.</summary>
public interface ITenantRow : IRow
{
    string TenantId { get; }
}
