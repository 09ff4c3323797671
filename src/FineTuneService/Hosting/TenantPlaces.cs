namespace FineTuneService.Hosting;

/// <summary>
/// Places for requests under way. A tenant's requests take half of them at most, and its first few always find one, so that no tenant
/// shuts another out.
/// </summary>
/// <param name="most">Of all tenants; each tenant's first few may come on top.</param>
internal sealed class TenantPlaces(int most)
{
    private const int FirstFew = 4;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _taken = [];
    private readonly int _own = Math.Max(1, most / 2), _few = Math.Clamp(most / 4, 1, FirstFew);
    private int _all;

    public bool TryTake(string tenant)
    {
        lock (_gate)
        {
            int own = _taken.GetValueOrDefault(tenant);
            if (own >= _few && (own >= _own || _all >= most)) return false;
            _taken[tenant] = own + 1;
            _all++;
            return true;
        }
    }

    /// <summary>Whether the tenant has a place.</summary>
    public bool HasAny(string tenant)
    {
        lock (_gate) return _taken.ContainsKey(tenant);
    }

    public void Give(string tenant)
    {
        lock (_gate)
        {
            _all--;
            if (--_taken[tenant] == 0) _taken.Remove(tenant);
        }
    }
}
