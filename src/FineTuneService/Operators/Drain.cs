namespace FineTuneService.Operators;

/// <summary>
/// Whether the service takes no more work: what is under way ends, a running job saves its checkpoint and rests, and the process can then be
/// ended without anybody waiting. It can be taken back.
/// </summary>
internal sealed class Drain : IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _on = new();
    private TaskCompletionSource _off = new();

    public Drain() => _off.SetResult();

    public bool IsOn => Begun.IsCancellationRequested;

    /// <summary>Cancelled once it is on; another after it was taken back.</summary>
    public CancellationToken Begun
    {
        get
        {
            lock (_gate) return _on.Token;
        }
    }

    /// <summary>Ends when it is off.</summary>
    public Task Off
    {
        get
        {
            lock (_gate) return _off.Task;
        }
    }

    public void Begin()
    {
        CancellationTokenSource on;
        lock (_gate)
        {
            if (_on.IsCancellationRequested) return;
            _off = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            on = _on;
        }
        on.Cancel();
    }

    public void TakeBack()
    {
        TaskCompletionSource off;
        lock (_gate)
        {
            if (!_on.IsCancellationRequested) return;
            _on = new CancellationTokenSource();
            off = _off;
        }
        off.SetResult();
    }

    public void Dispose() => _on.Dispose();
}
