using FineTuneService.Benchmarks.Soak;
using FineTuneService.Tests.Telemetry;

namespace FineTuneService.Benchmarks.Mixed;

/// <summary>
/// A service's memory in the course of a run: resident bytes as the kernel counts them, what .NET has committed for its objects and what the
/// device's owners hold, as the service tells its collector; the rest is native.
/// </summary>
internal sealed class MemoryCourse(ServiceUnderTest service, OtlpReceiver collector)
{
    private readonly List<(double Resident, double Managed, double Device)> _samples = [];

    public async Task Watch(TimeSpan every, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested && !service.HasExited)
        {
            _samples.Add((service.ResidentBytes, Of("dotnet.gc.last_collection.memory.committed_size"), Device));
            await Task.Delay(every, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The last quarter against the second: growth is what goes on, not what a start takes.</summary>
    /// <param name="most">Times that it may be of what it was; null: the run is too short to tell.</param>
    public bool IsFlat(double? most)
    {
        int quarter = Math.Max(_samples.Count / 4, 1);
        var early = _samples.Skip(quarter).Take(quarter).DefaultIfEmpty(_samples[^1]).ToArray();
        var late = _samples.TakeLast(quarter).ToArray();
        double Growth(string what, Func<(double Resident, double Managed, double Device), double> of)
        {
            (double before, double after) = (Samples.Median(early.Select(of)), Samples.Median(late.Select(of)));
            Console.WriteLine($"  {what,-32} {before / (1 << 20),7:0} MiB in the second quarter, {after / (1 << 20),7:0} in the last, most {_samples.Max(of) / (1 << 20),7:0}");
            return after / Math.Max(before, 1);
        }
        Console.WriteLine($"memory, {_samples.Count} samples:");
        double resident = Growth("resident", sample => sample.Resident);
        Growth("managed (committed by the GC)", sample => sample.Managed);
        Growth("native (the rest)", sample => sample.Resident - sample.Managed);
        Growth("of it, counted for the device", sample => sample.Device);
        return most is null || Limits.Holds($"memory flat: {resident:0.00}×, at most {most}×", resident <= most);
    }

    private double Device => collector.Values.Where(value => value.Key.StartsWith("finetune.device.memory", StringComparison.Ordinal)).Sum(value => value.Value);

    private double Of(string metric) => collector.Values.GetValueOrDefault(metric);
}
