namespace FineTuneService.FineTuningJobs;

/// <summary>What Adafactor has beside its rate and weight decay, in transformers' names; adafactor_torch reads eps, clip_threshold and decay_rate.</summary>
public sealed record AdafactorBody
{
    /// <summary>Two: one for the squared gradients, and the smallest root mean square that a rate is scaled by; 1e-30 and 1e-3 unless given.</summary>
    public double[]? Eps { get; init; }

    /// <summary>Root mean square above which an update is scaled down; 1 unless given.</summary>
    public double? ClipThreshold { get; init; }

    /// <summary>Exponent of the step in the mean squares' decay, below 0; -0.8 unless given.</summary>
    public double? DecayRate { get; init; }

    /// <summary>Of a running mean of updates; none unless given.</summary>
    public double? Beta1 { get; init; }

    /// <summary>Each parameter's rate is times its root mean square; false unless given.</summary>
    public bool? ScaleParameter { get; init; }

    /// <summary>The rate follows from the step alone, and learning_rate has no say; false unless given.</summary>
    public bool? RelativeStep { get; init; }

    /// <summary>The relative rate begins near 0.</summary>
    public bool? WarmupInit { get; init; }
}
