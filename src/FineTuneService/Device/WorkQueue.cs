using System.Diagnostics.CodeAnalysis;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Device;

/// <summary>Work that waits for the device, put in from any thread. Owners take turns, and what is cancelled leaves at once.</summary>
internal sealed class WorkQueue
{
    private readonly Lock _gate = new();
    private readonly TurnQueue<DeviceWork> _works = new();
    private bool _closed;

    public bool IsEmpty
    {
        get
        {
            lock (_gate) return _works.Count == 0;
        }
    }

    /// <summary>A queue that was closed cancels what comes.</summary>
    public void Add(DeviceWork work, CancellationToken cancel)
    {
        bool closed;
        lock (_gate)
        {
            if (!(closed = _closed)) _works.Enqueue(work.Turn, work);
        }
        if (closed) work.Cancel();
        else if (cancel.CanBeCanceled) cancel.Register(() => Leave(work));
    }

    public bool TryTake([NotNullWhen(true)] out DeviceWork? work)
    {
        lock (_gate) return _works.TryDequeue(out work);
    }

    /// <summary>Cancels all that waits, and all that comes.</summary>
    public void Close()
    {
        var left = new List<DeviceWork>();
        lock (_gate)
        {
            _closed = true;
            while (_works.TryDequeue(out DeviceWork? work)) left.Add(work);
        }
        left.ForEach(work => work.Cancel());
    }

    private void Leave(DeviceWork work)
    {
        bool waited;
        lock (_gate) waited = _works.Remove(work.Turn, work);
        if (waited) work.Cancel();
    }
}
