namespace FineTuneService.Device;

/// <summary>A stretch of time in which one owner had the device.</summary>
/// <param name="Number">Counts up.</param>
/// <param name="Tenant">Empty where it was nobody's in particular.</param>
public sealed record LeaseHold(long Number, string Holder, string Tenant, DateTimeOffset BeganAt, TimeSpan Duration);

/// <summary>
/// Who held the device when, for its operator: the newest holds, and how much of the last minute it was busy. Work that is served within a
/// training job's step is a hold inside the job's own. Written on the device's thread, read from any.
/// </summary>
public sealed class LeaseLog(TimeProvider clock)
{
    private const int Kept = 1000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1), Together = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly List<LeaseHold> _holds = [];
    private readonly Queue<(DateTimeOffset From, DateTimeOffset To)> _idle = [];
    private readonly DateTimeOffset _started = clock.GetUtcNow();
    private (string Holder, string Tenant, DateTimeOffset Began)? _training;
    private DateTimeOffset? _idleSince;
    private long _number;

    /// <summary>A training job has the device from now on.</summary>
    public void Trains(string holder, string tenant)
    {
        lock (_gate) _training = (holder, tenant, clock.GetUtcNow());
    }

    /// <summary>A hold has ended that began then, by the clock's timestamps.</summary>
    public void Held(string holder, string tenant, long began)
    {
        TimeSpan duration = clock.GetElapsedTime(began);
        DateTimeOffset now = clock.GetUtcNow();
        lock (_gate)
        {
            if (_training is { } job && job.Holder == holder) _training = null;
            // Tokens of answers come one by one: what follows at once is one hold.
            if (_holds is [.., var last] && last.Holder == holder && last.Tenant == tenant && now - duration - (last.BeganAt + last.Duration) < Together)
            {
                _holds[^1] = last with { Duration = now - last.BeganAt };
                return;
            }
            _holds.Add(new LeaseHold(++_number, holder, tenant, now - duration, duration));
            if (_holds.Count > 2 * Kept) _holds.RemoveRange(0, Kept);
        }
    }

    /// <summary>Nothing is to be done from now on, until something is.</summary>
    public void Idles(bool idle)
    {
        DateTimeOffset now = clock.GetUtcNow();
        lock (_gate)
        {
            if (_idleSince is { } since) _idle.Enqueue((since, now));
            _idleSince = idle ? now : null;
            while (_idle.TryPeek(out (DateTimeOffset From, DateTimeOffset To) oldest) && oldest.To < now - Window) _idle.Dequeue();
        }
    }

    /// <summary>Share of the last minute in which the device had work, 0 to 1.</summary>
    public double Utilisation
    {
        get
        {
            DateTimeOffset now = clock.GetUtcNow(), from = now - Window > _started ? now - Window : _started;
            lock (_gate)
            {
                TimeSpan idle = TimeSpan.Zero;
                foreach ((DateTimeOffset began, DateTimeOffset ended) in _idle) idle += ended > from ? ended - (began > from ? began : from) : TimeSpan.Zero;
                if (_idleSince is { } since) idle += now - (since > from ? since : from);
                return now > from ? Math.Clamp(1 - idle / (now - from), 0, 1) : 0;
            }
        }
    }

    /// <summary>The holds that ended after the one of this number, oldest first; the last may still grow.</summary>
    public IReadOnlyList<LeaseHold> After(long number, int most)
    {
        lock (_gate) return [.. _holds.Where(hold => hold.Number > number).Take(most)];
    }

    /// <summary>Seconds of the device by tenant, over the holds that are remembered.</summary>
    public IReadOnlyDictionary<string, double> SecondsByTenant()
    {
        lock (_gate)
        {
            var seconds = new Dictionary<string, double>();
            foreach (LeaseHold hold in _holds.Where(hold => hold.Tenant.Length > 0)) seconds[hold.Tenant] = seconds.GetValueOrDefault(hold.Tenant) + hold.Duration.TotalSeconds;
            if (_training is { Tenant.Length: > 0 } job) seconds[job.Tenant] = seconds.GetValueOrDefault(job.Tenant) + (clock.GetUtcNow() - job.Began).TotalSeconds;
            return seconds;
        }
    }
}
