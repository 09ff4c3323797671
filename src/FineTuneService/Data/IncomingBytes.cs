namespace FineTuneService.Data;

/// <summary>
/// Bytes that tenants are sending. They are not stored yet, and many uploads at once would fill the disk with what is refused when it has come: so they count
/// where the next upload asks for room. What a request says of its length counts from its beginning, and what comes beyond that as it comes.
/// </summary>
internal sealed class IncomingBytes
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _tenants = [];

    /// <summary>Counts so many more, if all that the tenant is sending is within a limit then.</summary>
    public bool TryAdd(string tenant, long bytes, long limit)
    {
        lock (_gate)
        {
            long now = _tenants.GetValueOrDefault(tenant) + bytes;
            if (bytes > 0 && now > limit) return false;
            _tenants[tenant] = now;
            return true;
        }
    }

    /// <summary>They have come, or come no more.</summary>
    public void Remove(string tenant, long bytes)
    {
        lock (_gate)
        {
            // Others of no known length may have left before.
            long left = _tenants.GetValueOrDefault(tenant) - bytes;
            if (left == 0) _tenants.Remove(tenant);
            else _tenants[tenant] = left;
        }
    }
}
