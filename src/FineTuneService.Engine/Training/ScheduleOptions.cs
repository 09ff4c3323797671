namespace FineTuneService.Engine.Training;

/// <summary>Shape of the learning rate after warmup; formulas as transformers' get_scheduler.</summary>
public enum LrScheduler
{
    Constant,
    Linear,
    Cosine,

    /// <summary>Falls to 0 along a cosine <see cref="ScheduleOptions.Cycles"/> times, each time from the full rate.</summary>
    CosineWithRestarts,

    /// <summary>Falls along a cosine to <see cref="ScheduleOptions.SmallestShare"/> of the full rate.</summary>
    CosineWithMinLr,

    /// <summary>Falls to <see cref="ScheduleOptions.EndRate"/> along a power of what is left.</summary>
    Polynomial,

    /// <summary>Falls with one over the root of the step.</summary>
    InverseSqrt,

    /// <summary>Stays at the full rate, and falls in its last <see cref="ScheduleOptions.DecaySteps"/> steps.</summary>
    WarmupStableDecay,
}

/// <summary>How the rate of a warmup-stable-decay schedule rises and falls.</summary>
public enum RateCurve { Linear, Cosine, OneMinusSqrt }

/// <summary>What a schedule has beside its length and warmup; each reads its own. Defaults are transformers'.</summary>
public sealed record ScheduleOptions
{
    /// <summary>Of cosine with restarts: falls.</summary>
    public int Cycles { get; init; } = 1;

    /// <summary>Of cosine with a smallest rate and of warmup-stable-decay: the smallest rate's share of the full one.</summary>
    public double SmallestShare { get; init; }

    /// <summary>Of polynomial.</summary>
    public double Power { get; init; } = 1;

    /// <summary>Of polynomial: the last rate, not a share.</summary>
    public double EndRate { get; init; } = 1e-7;

    /// <summary>Of the inverse root: steps after which the rate is its first one over √2; null: the warmup's, or 10,000 without warmup.</summary>
    public int? Timescale { get; init; }

    /// <summary>Of warmup-stable-decay: steps at the full rate; null: what warmup and decay leave.</summary>
    public int? StableSteps { get; init; }

    /// <summary>Of warmup-stable-decay: steps over which the rate falls; null: a tenth of all.</summary>
    public int? DecaySteps { get; init; }

    public RateCurve WarmupCurve { get; init; } = RateCurve.Linear;

    public RateCurve DecayCurve { get; init; } = RateCurve.Cosine;
}
