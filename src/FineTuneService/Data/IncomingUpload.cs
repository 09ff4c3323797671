namespace FineTuneService.Data;

/// <summary>A tenant's quota of stored bytes has no room for what comes.</summary>
internal sealed class StorageLimitException(string message) : Exception(message);

/// <summary>
/// One upload's place among what its tenant is sending. Disposed when the bytes are stored or refused. A request without a length, or whose body is larger than
/// it says (compressed), makes its place larger with each buffer that it brings, and ends where the tenant has no more room.
/// </summary>
/// <param name="bytes">That have a place already.</param>
/// <param name="room">What the tenant may send beside what it stores: asked again now and then, as other uploads become stored ones.</param>
/// <param name="refusal">Says that so many more do not fit.</param>
internal sealed class IncomingUpload(IncomingBytes incoming, string tenant, long bytes, Func<Task<long>> room, Func<long, Task<string>> refusal) : IDisposable
{
    private const long AskedEvery = 1 << 20;

    private long _counted = bytes, _arrived, _askAgainAt, _room;
    private bool _left;

    /// <summary>Before these bytes are written anywhere.</summary>
    /// <exception cref="StorageLimitException">They would be more than the tenant may store.</exception>
    public async ValueTask Arrive(int count)
    {
        _arrived += count;
        if (_arrived <= _counted) return;
        if (_arrived > _askAgainAt)
        {
            _room = await room();
            _askAgainAt = _arrived + AskedEvery;
        }
        if (!incoming.TryAdd(tenant, _arrived - _counted, _room)) throw new StorageLimitException(await refusal(_arrived));
        _counted = _arrived;
    }

    public void Dispose()
    {
        if (!_left) incoming.Remove(tenant, _counted);
        _left = true;
    }
}
