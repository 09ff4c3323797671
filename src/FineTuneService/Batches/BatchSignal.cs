using System.Collections.Concurrent;

namespace FineTuneService.Batches;

/// <summary>Tells the worker that there is something new, so that it need not look all the time.</summary>
internal sealed class BatchSignal
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private readonly SemaphoreSlim _came = new(0);
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new();

    public void Came() => _came.Release();

    /// <summary>A client has asked for the batch's end.</summary>
    public void Cancelled(string batch)
    {
        if (_running.TryGetValue(batch, out CancellationTokenSource? running)) running.Cancel();
        Came();
    }

    /// <summary>Until something has come, or for a moment: what another start left is seen too.</summary>
    public async Task Wait(CancellationToken stop)
    {
        await _came.WaitAsync(Longest, stop);
        while (_came.Wait(0, CancellationToken.None))
        {
        }
    }

    /// <summary>A batch that is being worked on, and is cancelled through what is returned.</summary>
    public CancellationTokenSource Begin(string batch, CancellationToken stopping) => _running[batch] = CancellationTokenSource.CreateLinkedTokenSource(stopping);

    public bool IsRunning(string batch) => _running.ContainsKey(batch);

    public void End(string batch)
    {
        if (_running.TryRemove(batch, out CancellationTokenSource? ended)) ended.Dispose();
    }
}
