using System.Text.Json;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>When a run ends before its last step.</summary>
public sealed record EarlyStoppingBody
{
    /// <summary>Evaluations in a row without an improvement after which the run ends; 1 to 1000.</summary>
    public required int Patience { get; init; }

    /// <summary>By how much the validation loss has to fall to count as an improvement; 0 unless given.</summary>
    public double? Threshold { get; init; }
}

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
}

/// <summary>The rest of the training loop's options: names, bounds, and the Engine's records of them.</summary>
internal static class TrainingOptions
{
    private static readonly Dictionary<string, LrScheduler> Schedulers =
        Enum.GetValues<LrScheduler>().ToDictionary(scheduler => JsonNamingPolicy.SnakeCaseLower.ConvertName(scheduler.ToString()));

    private static readonly Dictionary<string, RateCurve> Curves = new() { ["linear"] = RateCurve.Linear, ["cosine"] = RateCurve.Cosine, ["1-sqrt"] = RateCurve.OneMinusSqrt };

    public static JobBodyProblem? Problem(TrainingBody t, bool validates)
    {
        if (t.LrScheduler is { } scheduler && !Schedulers.ContainsKey(scheduler))
            return new("training.lr_scheduler", $"there is no lr_scheduler '{Errors.Clip(scheduler)}'; use {string.Join(", ", Schedulers.Keys)}");
        if (Schedule(t.LrSchedulerKwargs) is { } problem) return problem;
        if (t.Nesterov == true && !(t.Momentum > 0)) return new("training.nesterov", "nesterov looks ahead along the momentum; give momentum above 0");
        if (t.NeftuneAlpha is < 0 or > 1000) return new("training.neftune_alpha", "neftune_alpha must be 0 (no noise) to 1000; 5 is usual");
        if (t.EarlyStopping is { Patience: < 1 or > 1000 }) return new("training.early_stopping.patience", "patience must be 1 to 1000 evaluations");
        if (t.EarlyStopping is { Threshold: < 0 or > 100 }) return new("training.early_stopping.threshold", "threshold must be 0 to 100");
        if (t.Keep is not (null or "last" or "best")) return new("training.keep", "keep must be last or best");
        if (validates) return null;
        if (t.EarlyStopping is not null) return new("training.early_stopping", "early stopping watches the validation loss; give a validation_file or dataset.validation_split");
        if (t.Keep == "best") return new("training.keep", "the best is that of the lowest validation loss; give a validation_file or dataset.validation_split");
        return null;
    }

    /// <summary>Cosine where nothing is said.</summary>
    public static LrScheduler Scheduler(string? name) => name is null ? LrScheduler.Cosine : Schedulers[name];

    public static EarlyStopping? Of(EarlyStoppingBody? body) => body is null ? null : new EarlyStopping(body.Patience, body.Threshold ?? 0);

    public static ScheduleOptions Of(LrSchedulerBody? body)
    {
        var usual = new ScheduleOptions();
        return body is null ? usual : new ScheduleOptions
        {
            Cycles = body.NumCycles ?? usual.Cycles,
            SmallestShare = body.MinLrRate ?? usual.SmallestShare,
            Power = body.Power ?? usual.Power,
            EndRate = body.LrEnd ?? usual.EndRate,
            Timescale = body.Timescale,
            StableSteps = body.NumStableSteps,
            DecaySteps = body.NumDecaySteps,
            DecayCurve = body.DecayType is null ? usual.DecayCurve : Curves[body.DecayType],
        };
    }

    private static JobBodyProblem? Schedule(LrSchedulerBody? body)
    {
        const string where = "training.lr_scheduler_kwargs";
        return body switch
        {
            { NumCycles: < 1 or > 10_000 } => new($"{where}.num_cycles", "num_cycles must be 1 to 10000"),
            { MinLrRate: < 0 or > 1 } => new($"{where}.min_lr_rate", "min_lr_rate must be 0 to 1, a share of the learning rate"),
            { Power: <= 0 or > 100 } => new($"{where}.power", "power must be above 0 and at most 100"),
            { LrEnd: < 0 or > 10 } => new($"{where}.lr_end", "lr_end must be 0 to 10"),
            { Timescale: < 1 } => new($"{where}.timescale", "timescale must be 1 step or more"),
            { NumStableSteps: < 0 } => new($"{where}.num_stable_steps", "num_stable_steps must be 0 or more"),
            { NumDecaySteps: < 1 } => new($"{where}.num_decay_steps", "num_decay_steps must be 1 or more"),
            { DecayType: { } curve } when !Curves.ContainsKey(curve) => new($"{where}.decay_type", $"decay_type must be {string.Join(", ", Curves.Keys)}"),
            _ => null,
        };
    }
}
