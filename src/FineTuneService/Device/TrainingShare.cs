namespace FineTuneService.Device;

/// <summary>
/// When training goes on and when requests do, so that each has its share of the device's time. Both go in short runs: what a request
/// took in one piece, a load say, is paid back bit by bit, and answers never stand still for it. On the device's thread only.
/// </summary>
internal sealed class TrainingShare(double share, TimeProvider clock)
{
    /// <summary>Requests wait no longer than this for training's next decoder block to end.</summary>
    private static readonly TimeSpan LongestTraining = TimeSpan.FromSeconds(0.25);

    /// <summary>A job that starts, or the one after it, waits no longer than this for requests.</summary>
    private static readonly TimeSpan LongestServing = TimeSpan.FromSeconds(0.5);

    /// <summary>What is owed beyond this is let go of.</summary>
    private static readonly TimeSpan MostOwed = TimeSpan.FromSeconds(10);

    private readonly double _ratio = share / (1 - share);
    private TimeSpan _owed;
    private long _trainedSince;
    private bool _trained;

    /// <summary>How long requests are served before training goes on.</summary>
    public TimeSpan Serving { get; } = share > 0 && LongestTraining * (1 - share) / share < LongestServing ? LongestTraining * (1 - share) / share : LongestServing;

    /// <summary>Whether training has not yet had its share since requests were last served.</summary>
    public bool TrainingIsDue => _trained && clock.GetElapsedTime(_trainedSince) < (_owed < LongestTraining ? _owed : LongestTraining);

    /// <summary>Requests have been served since then, and training goes on.</summary>
    public void Served(long since)
    {
        TimeSpan trained = _trained ? clock.GetElapsedTime(_trainedSince, since) : TimeSpan.Zero;
        _trainedSince = clock.GetTimestamp();
        _owed = _owed > trained ? _owed - trained : TimeSpan.Zero;
        _owed += clock.GetElapsedTime(since, _trainedSince) * _ratio;
        if (_owed > MostOwed) _owed = MostOwed;
        _trained = true;
    }

    /// <summary>No job runs any more: the next one begins without a debt.</summary>
    public void Ended() => (_owed, _trained) = (TimeSpan.Zero, false);
}
