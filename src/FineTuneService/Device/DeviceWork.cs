namespace FineTuneService.Device;

/// <summary>Work that waits for the device's thread, or runs on it.</summary>
internal abstract class DeviceWork(string owner, string turn)
{
    /// <summary>What an operator is told that the device does.</summary>
    public string Owner => owner;

    /// <summary>Whose it is: owners take turns.</summary>
    public string Turn => turn;

    /// <summary>Does the work and tells who waits for it how it went. Never throws.</summary>
    public abstract void Run();

    /// <summary>It will not be done any more.</summary>
    public abstract void Cancel();
}

/// <inheritdoc cref="DeviceWork"/>
internal sealed class DeviceWork<T>(string owner, string turn, Func<T> work, CancellationToken cancel) : DeviceWork(owner, turn)
{
    // The device's thread works under the trace of who asked, as a thread of the pool would.
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Done => _done.Task;

    public override void Run()
    {
        if (cancel.IsCancellationRequested)
        {
            Cancel();
        }
        else if (_context is null)
        {
            Do();
        }
        else
        {
            ExecutionContext.Run(_context, static work => ((DeviceWork<T>)work!).Do(), this);
        }
    }

    public override void Cancel() => _done.TrySetCanceled(cancel.IsCancellationRequested ? cancel : new CancellationToken(canceled: true));

    private void Do()
    {
        try
        {
            _done.TrySetResult(work());
        }
        catch (Exception failure)
        {
            _done.TrySetException(failure);
        }
    }
}
