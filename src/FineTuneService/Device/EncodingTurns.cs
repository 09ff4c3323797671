using System.Collections.Concurrent;

namespace FineTuneService.Device;

/// <summary>
/// Templates and tokenizers run here, on the request's own thread and never on the device's, for so many requests of a tenant at once:
/// a tenant's slow template holds up its own requests only.
/// </summary>
internal sealed class EncodingTurns
{
    private const int AtOnce = 2;
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _tenants = new();

    public async Task<T> Run<T>(string tenant, Func<T> encode, CancellationToken cancel)
    {
        SemaphoreSlim turns = _tenants.GetOrAdd(tenant, _ => new SemaphoreSlim(AtOnce));
        await turns.WaitAsync(cancel);
        try
        {
            return encode();
        }
        finally
        {
            turns.Release();
        }
    }
}
