using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Device;

/// <summary>What holds the device's thread, which has not come back for so long.</summary>
public sealed record DeviceHold(string Holder, TimeSpan For);

/// <summary>
/// The only way to touch a device: one thread that makes all torch calls (libgomp makes a team of threads for each caller, and
/// dispose scopes are thread-static). Whatever work throws goes to who asked for it, and the thread goes on. Tenants take turns, work
/// and decoding alternate, and training has its share of the time from the moment a job waits: a job calls <see cref="Offer"/> between
/// decoder blocks, and what waits is then served inside its step. One lease a device.
/// </summary>
public sealed class DeviceLease : IDisposable
{
    /// <summary>Work that waits is done for so long before every answer under way gets its next token.</summary>
    private static readonly TimeSpan WorkSlice = TimeSpan.FromMilliseconds(50);

    /// <summary>A thread that is silent for longer is stuck: loads, training steps and answers all show signs of life in between.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestClosing = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _clock;
    private readonly ILogger<DeviceLease>? _log;
    private readonly TrainingShare _share;
    private readonly WorkQueue _serving = new(), _sharing = new(), _training = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private Func<bool>[] _steppers = [];
    private bool _shares;
    private volatile bool _closing;
    private volatile string? _holder;
    private long _lastSign;

    public DeviceLease(IOptions<FineTuneOptions> options, TimeProvider clock, ILogger<DeviceLease>? log = null)
    {
        (_clock, _log, _share, Log) = (clock, log, new TrainingShare(options.Value.TrainingShare, clock), new LeaseLog(clock));
        _thread = new Thread(Loop) { Name = "torch", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Who held the device when.</summary>
    public LeaseLog Log { get; }

    /// <summary>What the device is doing, or null where it is idle.</summary>
    public string? Holder => _holder;

    /// <summary>What holds the thread, where it has shown no sign of life for long; null where all is well. From any thread.</summary>
    public DeviceHold? Stuck => _holder is { } holder && _clock.GetElapsedTime(Volatile.Read(ref _lastSign)) is var silent && silent > LongestSilence
        ? new DeviceHold(holder, silent) : null;

    /// <summary>Runs short work (an answer's admission, a load, a batch of an evaluation) when its turn comes.</summary>
    /// <param name="cancel">Work that still waits leaves the queue at once.</param>
    /// <param name="turn">Whose work it is: a tenant's id.</param>
    public Task<T> Serve<T>(string owner, Func<T> work, CancellationToken cancel = default, string turn = "") => Add(_serving, owner, work, cancel, turn);

    /// <summary>
    /// Runs work that takes a while, such as a forward of an evaluation, when its turn comes; it must call <see cref="Yield"/> often. What is
    /// short is served within it, and no other of its kind.
    /// </summary>
    public Task<T> Share<T>(string owner, Func<T> work, CancellationToken cancel = default, string turn = "") => Add(_sharing, owner, work, cancel, turn);

    /// <summary>Runs long work, which must call <see cref="Offer"/> often. One at a time, in the order of the calls.</summary>
    /// <param name="tenant">Whose it is, for the log.</param>
    public Task<T> Train<T>(string owner, Func<T> work, CancellationToken cancel = default, string tenant = "") => Add(_training, owner, () =>
    {
        Log.Trains(owner, tenant);
        long began = _clock.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            Log.Held(owner, tenant, began);
        }
    }, cancel, "");

    /// <summary>
    /// Adds work that goes on in small steps while it returns true, such as decoding one token for every active row. It is asked
    /// again after each slice of other work. Call on the device's thread only.
    /// </summary>
    public void AddStepper(Func<bool> step) => _steppers = [.. _steppers, step];

    /// <summary>Removes what <see cref="AddStepper"/> added. Call on the device's thread only.</summary>
    public void RemoveStepper(Func<bool> step) => _steppers = [.. _steppers.Where(other => other != step)];

    /// <summary>Serves what waits, unless training has not yet had its share since the last time. Called by training, on the device's
    /// thread, after every decoder block.</summary>
    public void Offer()
    {
        if (_shares)
        {
            Yield(); // What trains within shared work has no share of its own.
            return;
        }
        SignOfLife();
        if ((_serving.IsEmpty && _sharing.IsEmpty && _steppers.Length == 0) || _share.TrainingIsDue) return;
        string? trainer = _holder;
        long started = _clock.GetTimestamp();
        while (ServeOnce() && _clock.GetElapsedTime(started) < _share.Serving) { }
        _share.Served(started);
        _holder = trainer;
    }

    /// <summary>Serves what waits and is short, and every answer under way, once. Called by <see cref="Share"/>'s work, on the device's thread,
    /// after every decoder block.</summary>
    public void Yield()
    {
        SignOfLife();
        if (_serving.IsEmpty && _steppers.Length == 0) return;
        string? holder = _holder;
        ServeOnce();
        _holder = holder;
    }

    /// <summary>Lets every answer under way have its next token, within work that takes long in one piece. On the device's thread.</summary>
    public void Breathe() => StepAll();

    public void Dispose()
    {
        _closing = true;
        _serving.Close();
        _sharing.Close();
        _training.Close();
        _wake.Set();
        // A thread that never comes back must not hold up the process's end.
        if (_thread.Join(LongestClosing)) _wake.Dispose();
    }

    private Task<T> Add<T>(WorkQueue queue, string owner, Func<T> work, CancellationToken cancel, string turn)
    {
        var added = new DeviceWork<T>(owner, turn, work, cancel);
        queue.Add(added, cancel);
        if (!_closing) _wake.Set();
        return added.Done;
    }

    private void Loop()
    {
        long? waits = null; // Since when a job has.
        while (!_closing)
        {
            if (_training.IsEmpty) waits = null;
            else waits ??= _clock.GetTimestamp();
            bool jobIsDue = waits is { } since && _clock.GetElapsedTime(since) >= _share.Serving;
            if (!jobIsDue && ServeOnce()) continue;
            if (_training.TryTake(out DeviceWork? job))
            {
                Run(job);
                _share.Ended();
                waits = null;
            }
            else
            {
                Log.Idles(true);
                _wake.WaitOne();
                Log.Idles(false);
            }
        }
    }

    /// <returns>Whether there was anything to do.</returns>
    private bool ServeOnce()
    {
        bool worked = false;
        long started = _clock.GetTimestamp();
        while (_serving.TryTake(out DeviceWork? work))
        {
            long began = _clock.GetTimestamp();
            Run(work);
            Log.Held(work.Owner, work.Turn, began);
            worked = true;
            if (_clock.GetElapsedTime(started) >= WorkSlice) break;
        }
        return ShareOnce() | StepAll() | worked;
    }

    /// <summary>One piece of work within which others are served.</summary>
    private bool ShareOnce()
    {
        if (_shares || !_sharing.TryTake(out DeviceWork? work)) return false;
        long began = _clock.GetTimestamp();
        _shares = true;
        Run(work);
        _shares = false;
        Log.Held(work.Owner, work.Turn, began);
        return true;
    }

    private bool StepAll()
    {
        bool worked = false;
        string? before = _holder;
        long began = _clock.GetTimestamp();
        foreach (Func<bool> step in _steppers)
        {
            SignOfLife();
            _holder = "answers";
            try
            {
                worked |= step();
            }
            catch (Exception failure)
            {
                // Steps see to their own failures; one that cannot would fail for ever.
                _log?.LogError(failure, "A stepper failed and is not asked again");
                RemoveStepper(step);
            }
        }
        if (worked) Log.Held("answers", "", began);
        _holder = before;
        SignOfLife();
        return worked;
    }

    private void Run(DeviceWork work)
    {
        SignOfLife();
        _holder = work.Owner;
        work.Run();
        _holder = null;
    }

    private void SignOfLife() => Volatile.Write(ref _lastSign, _clock.GetTimestamp());
}
