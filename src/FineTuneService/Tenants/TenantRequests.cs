namespace FineTuneService.Tenants;

/// <summary>
/// Each tenant's requests under way. One whose tenant is being erased is cut, and the erasure waits for its end: nothing is written for a
/// tenant that is gone.
/// </summary>
internal sealed class TenantRequests
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<HttpContext>> _underWay = [];
    private readonly Dictionary<string, TaskCompletionSource> _closed = [];

    /// <returns>Dispose it when the request has ended; null: the tenant is being erased.</returns>
    public IDisposable? Enter(string tenant, HttpContext request)
    {
        lock (_gate)
        {
            if (_closed.ContainsKey(tenant)) return null;
            if (!_underWay.TryGetValue(tenant, out List<HttpContext>? own)) _underWay[tenant] = own = [];
            own.Add(request);
        }
        return new Place(this, tenant, request);
    }

    /// <summary>Takes no more requests of the tenant, and cuts those under way.</summary>
    /// <returns>Ends when they have.</returns>
    public Task Close(string tenant)
    {
        lock (_gate)
        {
            if (_closed.TryGetValue(tenant, out TaskCompletionSource? ended)) return ended.Task;
            _closed[tenant] = ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            // Under the lock: one that ends meanwhile leaves its context to another request.
            if (_underWay.TryGetValue(tenant, out List<HttpContext>? own)) own.ForEach(request => request.Abort());
            else ended.SetResult();
            return ended.Task;
        }
    }

    /// <summary>There may be a tenant of that name again.</summary>
    public void Open(string tenant)
    {
        lock (_gate) _closed.Remove(tenant);
    }

    private void Leave(string tenant, HttpContext request)
    {
        lock (_gate)
        {
            List<HttpContext> own = _underWay[tenant];
            own.Remove(request);
            if (own.Count > 0) return;
            _underWay.Remove(tenant);
            if (_closed.TryGetValue(tenant, out TaskCompletionSource? ended)) ended.TrySetResult();
        }
    }

    private sealed class Place(TenantRequests requests, string tenant, HttpContext request) : IDisposable
    {
        public void Dispose() => requests.Leave(tenant, request);
    }
}
