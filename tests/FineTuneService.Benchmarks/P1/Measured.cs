namespace FineTuneService.Benchmarks.P1;

/// <summary>What a variant's process measured.</summary>
/// <param name="name">As printed.</param>
internal sealed class Measured(string name, VariantProcess process)
{
    private readonly List<double> _steps = [], _bounds = [];

    public List<double> Losses { get; } = [];

    public double StepSeconds => Samples.Median(_steps);

    /// <summary>The bound's share of a step's time, both taken in the same process at the same time.</summary>
    public double Share => Samples.Median(_bounds) / StepSeconds;

    /// <summary>VmHWM from before the bound's own buffers were made.</summary>
    public double PeakBytes { get; private set; }

    /// <summary>A step that does not count, but for its loss and its memory.</summary>
    public void WarmUp() => Losses.Add(process.Step().Loss);

    public void ReadPeak() => PeakBytes = process.Peak();

    public void Step()
    {
        (double seconds, double loss) = process.Step();
        _steps.Add(seconds);
        Losses.Add(loss);
    }

    public void Bound() => _bounds.Add(process.Bound());

    public override string ToString() =>
        $"{name,-12} {Workload.Tokens / StepSeconds,5:F0} tokens/s, {Share:F2} of the bound's {Workload.Tokens / Samples.Median(_bounds):F0}, " +
        $"{PeakBytes / 1e6:F0} MB peak, losses {string.Join(' ', Losses.Select(loss => loss.ToString("F4")))}";
}
