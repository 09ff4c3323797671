namespace FineTuneService.Data;

/// <summary>Whose rows this scope sees: one tenant's, set by the request's key, or all, for the worker and the admin.</summary>
public sealed class CurrentTenant
{
    /// <summary>The tenant; empty until a key has said it, and then no row is seen.</summary>
    public string Id { get; private set; } = "";

    /// <summary>Every tenant's rows are seen.</summary>
    public bool IsSystem { get; private set; }

    /// <summary>The key that the request came with; empty where there is none.</summary>
    public string KeyId { get; private set; } = "";

    public void Become(string tenant, string keyId = "") => (Id, KeyId) = (tenant, keyId);

    public void BecomeSystem() => IsSystem = true;
}
