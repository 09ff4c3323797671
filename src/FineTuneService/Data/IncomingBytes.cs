namespace FineTuneService.Data;

/// <summary>
/// Bytes that tenants are sending, by what their requests say of their length. They are not stored yet, and many uploads at once would fill the disk with what is
/// refused when it has come: so they count where the next upload asks for room.
/// </summary>
internal sealed class IncomingBytes
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _tenants = [];

    /// <summary>Counts so many more, if all that the tenant is sending is within a limit then.</summary>
    /// <returns>Dispose it when they have come, or come no more; null: it would not be.</returns>
    public IDisposable? Enter(string tenant, long bytes, long limit)
    {
        lock (_gate)
        {
            long now = _tenants.GetValueOrDefault(tenant) + bytes;
            if (bytes > 0 && now > limit) return null;
            _tenants[tenant] = now;
        }
        return new Place(this, tenant, bytes);
    }

    private void Leave(string tenant, long bytes)
    {
        lock (_gate)
        {
            // Others of no known length may have left before.
            long left = _tenants.GetValueOrDefault(tenant) - bytes;
            if (left == 0) _tenants.Remove(tenant);
            else _tenants[tenant] = left;
        }
    }

    private sealed class Place(IncomingBytes incoming, string tenant, long bytes) : IDisposable
    {
        private bool _left;

        public void Dispose()
        {
            if (!_left) incoming.Leave(tenant, bytes);
            _left = true;
        }
    }
}
