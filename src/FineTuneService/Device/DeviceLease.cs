using System.Collections.Concurrent;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Device;

/// <summary>
/// The only way to touch a device: one thread that makes all torch calls (libgomp makes a team of threads for each caller, and
/// dispose scopes are thread-static). Serving work goes before training; a training job calls <see cref="Offer"/> between decoder
/// blocks, and what waits is then served inside its step. However many requests come, training keeps its share of the time. One lease
/// a device.
/// </summary>
public sealed class DeviceLease : IDisposable
{
    // Training then has its share, so this is also how long answers flow before they stand still for a moment.
    private static readonly TimeSpan LongestOffer = TimeSpan.FromSeconds(0.5);

    private readonly TimeProvider _clock;
    private readonly double _trainingShare;
    private long _offeredUntil;
    private TimeSpan _owed;

    private readonly ConcurrentQueue<Work> _serving = new();
    private readonly ConcurrentQueue<Work> _training = new();
    private readonly List<Func<bool>> _steppers = [];
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread _thread;
    private volatile bool _closing;
    private volatile string? _holder;

    public DeviceLease(IOptions<FineTuneOptions> options, TimeProvider clock)
    {
        (_trainingShare, _clock) = (options.Value.TrainingShare, clock);
        _thread = new Thread(Loop) { Name = "torch", IsBackground = true };
        _thread.Start();
    }

    /// <summary>What the device is doing, or null where it is idle.</summary>
    public string? Holder => _holder;

    /// <summary>Runs short work (an answer's admission, a load, a merge) at the next offer, before any training.</summary>
    public Task<T> Serve<T>(string owner, Func<T> work, CancellationToken cancel = default) => Enqueue(_serving, owner, work, cancel);

    /// <summary>Runs long work, which must call <see cref="Offer"/> often. One at a time, in the order of the calls.</summary>
    public Task<T> Train<T>(string owner, Func<T> work, CancellationToken cancel = default) => Enqueue(_training, owner, work, cancel);

    /// <summary>
    /// Adds work that goes on in small steps while it returns true, such as decoding one token for every active row. It is asked
    /// again after each piece of serving work. Call on the device's thread only.
    /// </summary>
    public void AddStepper(Func<bool> step) => _steppers.Add(step);

    /// <summary>Removes what <see cref="AddStepper"/> added. Call on the device's thread only.</summary>
    public void RemoveStepper(Func<bool> step) => _steppers.Remove(step);

    /// <summary>Serves what waits, unless training has not yet had its share since the last time. Called by training, on the device's
    /// thread, after every decoder block.</summary>
    public void Offer()
    {
        if (_serving.IsEmpty && _steppers.Count == 0) return;
        if (_clock.GetElapsedTime(_offeredUntil) < _owed) return;
        string? trainer = _holder;
        long started = _clock.GetTimestamp();
        while (ServeOnce() && _clock.GetElapsedTime(started) < LongestOffer) { }
        _offeredUntil = _clock.GetTimestamp();
        _owed = _clock.GetElapsedTime(started, _offeredUntil) * (_trainingShare / (1 - _trainingShare));
        _holder = trainer;
    }

    public void Dispose()
    {
        _closing = true;
        _wake.Release();
        _thread.Join();
        _wake.Dispose();
    }

    private Task<T> Enqueue<T>(ConcurrentQueue<Work> queue, string owner, Func<T> work, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(_closing, this);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        queue.Enqueue(new Work(owner, Run));
        _wake.Release();
        return done.Task;

        void Run()
        {
            if (_closing || cancel.IsCancellationRequested)
            {
                done.TrySetCanceled(cancel);
                return;
            }
            try
            {
                done.TrySetResult(work());
            }
            catch (Exception failure)
            {
                done.TrySetException(failure);
            }
        }
    }

    private void Loop()
    {
        while (!_closing)
        {
            if (ServeOnce()) continue;
            if (_training.TryDequeue(out var job)) Run(job);
            else _wake.Wait();
        }
        while (_serving.TryDequeue(out var left) || _training.TryDequeue(out left)) left.Run();
    }

    private bool ServeOnce()
    {
        var worked = false;
        while (_serving.TryDequeue(out var work))
        {
            Run(work);
            worked = true;
        }
        for (var i = 0; i < _steppers.Count; i++) worked |= _steppers[i]();
        return worked;
    }

    private void Run(Work work)
    {
        _holder = work.Owner;
        work.Run();
        _holder = null;
    }

    private sealed record Work(string Owner, Action Run);
}
