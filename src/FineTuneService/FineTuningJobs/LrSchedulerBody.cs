namespace FineTuneService.FineTuningJobs;

/// <summary>What a schedule has beside its length and warmup, in transformers' names; each reads its own.</summary>
public sealed record LrSchedulerBody
{
    /// <summary>Falls of cosine_with_restarts; 1 unless given.</summary>
    public int? NumCycles { get; init; }

    /// <summary>The smallest rate as a share of the full one: of cosine_with_min_lr and warmup_stable_decay; 0 unless given.</summary>
    public double? MinLrRate { get; init; }

    /// <summary>Of polynomial; 1 unless given.</summary>
    public double? Power { get; init; }

    /// <summary>The last rate of polynomial; 1e-7 unless given.</summary>
    public double? LrEnd { get; init; }

    /// <summary>Of inverse_sqrt, in steps; as long as the warmup unless given.</summary>
    public int? Timescale { get; init; }

    /// <summary>Steps at the full rate of warmup_stable_decay; what warmup and decay leave unless given.</summary>
    public int? NumStableSteps { get; init; }

    /// <summary>Steps in which warmup_stable_decay falls; a tenth of all unless given.</summary>
    public int? NumDecaySteps { get; init; }

    /// <summary>linear, cosine or 1-sqrt: how warmup_stable_decay falls; cosine unless given.</summary>
    public string? DecayType { get; init; }

    /// <summary>The same of how it rises; linear unless given.</summary>
    public string? WarmupType { get; init; }
}
