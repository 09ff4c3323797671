using System.Diagnostics;

namespace FineTuneService.Benchmarks;

/// <summary>Ends a benchmark's repetitions in time on any machine: a slow one measures fewer.</summary>
internal sealed class Deadline(TimeSpan limit)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private TimeSpan _last;
    private TimeSpan _longest;

    /// <summary>What came before says nothing about how long once more takes.</summary>
    public void BeginMeasuring() => (_last, _longest) = (Stopwatch.GetElapsedTime(_start), TimeSpan.Zero);

    /// <summary>Whether there is time for once more, as long as the longest so far.</summary>
    public bool AllowsAnother()
    {
        TimeSpan elapsed = Stopwatch.GetElapsedTime(_start);
        if (elapsed - _last > _longest) _longest = elapsed - _last;
        _last = elapsed;
        return elapsed + _longest <= limit;
    }
}
