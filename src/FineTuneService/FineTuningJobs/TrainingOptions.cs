using System.Text.Json;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Optimizers;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>The rest of the training loop's options: names, bounds, and the Engine's records of them.</summary>
internal static class TrainingOptions
{
    public const string Fp32 = "fp32", Bf16 = "bf16", BestFit = "bfd";

    private const string Torch = "adafactor_torch";

    private static readonly Dictionary<string, LrScheduler> Schedulers =
        Enum.GetValues<LrScheduler>().ToDictionary(scheduler => JsonNamingPolicy.SnakeCaseLower.ConvertName(scheduler.ToString()));

    private static readonly Dictionary<string, RateCurve> Curves = new() { ["linear"] = RateCurve.Linear, ["cosine"] = RateCurve.Cosine, ["1-sqrt"] = RateCurve.OneMinusSqrt };

    private static readonly Dictionary<string, Truncation> Truncations = new() { ["keep_start"] = Truncation.KeepStart, ["keep_end"] = Truncation.KeepEnd };

    private static readonly Dictionary<string, PackingStrategy> Strategies = new() { [BestFit] = PackingStrategy.BestFit, ["bfd_split"] = PackingStrategy.BestFitSplit, ["wrapped"] = PackingStrategy.Wrapped };

    public static JobBodyProblem? Problem(TrainingBody t, bool validates)
    {
        if ((Rows(t) ?? Adafactor(t)) is { } wrong) return wrong;
        if (t.Epsilon is <= 0 or > 1) return new("training.epsilon", "epsilon must be above 0 and at most 1; 1e-8 is usual");
        if (t.Epsilon is not null && !(t.Optimizer ?? "adamw").StartsWith("adam", StringComparison.Ordinal)) return new("training.epsilon", "epsilon is Adam's; give optimizer adamw, adam or adamw_8bit, or leave it out");
        if (t.AdapterDtype is not (null or Fp32 or Bf16)) return new("training.adapter_dtype", "adapter_dtype must be fp32 or bf16");
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

    /// <summary>Which end of a row that is too long stays; the start where nothing is said.</summary>
    public static Truncation TruncationOf(string? mode) => mode is null ? Truncation.KeepStart : Truncations[mode];

    /// <summary>Null where rows are not packed.</summary>
    public static PackingStrategy? PackingOf(JobSettings settings) => settings.Packing ? Strategies[settings.PackingStrategy ?? BestFit] : null;

    /// <summary>Null where nothing is said.</summary>
    public static AdafactorConfig? Of(AdafactorBody? body)
    {
        var usual = new AdafactorConfig();
        return body is null ? null : new AdafactorConfig
        {
            Epsilon1 = body.Eps?[0],
            Epsilon2 = body.Eps?[1] ?? usual.Epsilon2,
            ClipThreshold = body.ClipThreshold ?? usual.ClipThreshold,
            Decay = body.DecayRate ?? usual.Decay,
            Beta1 = body.Beta1,
            ScaleParameter = body.ScaleParameter ?? false,
            RelativeStep = body.RelativeStep ?? false,
            WarmupInit = body.WarmupInit ?? false,
        };
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
            WarmupCurve = body.WarmupType is null ? usual.WarmupCurve : Curves[body.WarmupType],
        };
    }

    private static JobBodyProblem? Rows(TrainingBody t)
    {
        if (t.TruncationMode is { } mode && !Truncations.ContainsKey(mode)) return new("training.truncation_mode", $"truncation_mode must be {string.Join(" or ", Truncations.Keys)}");
        if (t.PackingStrategy is not { } strategy) return null;
        if (!Strategies.ContainsKey(strategy)) return new("training.packing_strategy", $"packing_strategy must be {string.Join(", ", Strategies.Keys)}");
        if (t.Packing != true) return new("training.packing_strategy", "packing_strategy is for packed rows; give packing true, or leave it out");
        return t.TruncationMode is null || strategy == BestFit ? null : new("training.truncation_mode", $"{strategy} cuts no row; leave truncation_mode out");
    }

    private static JobBodyProblem? Adafactor(TrainingBody t)
    {
        const string where = "training.adafactor";
        if (t.Adafactor is null) return null;
        if (t.Optimizer is not ("adafactor" or Torch)) return new(where, $"adafactor says nothing to optimizer {t.Optimizer ?? "adamw"}; give optimizer adafactor or {Torch}");
        if (t.Optimizer == Torch && t.Adafactor is not { Beta1: null, ScaleParameter: null, RelativeStep: null, WarmupInit: null })
            return new(where, $"beta1, scale_parameter, relative_step and warmup_init are transformers' Adafactor's; give optimizer adafactor, or leave them out");
        return t.Adafactor switch
        {
            { Eps: { } eps } when eps.Length != 2 || eps.Any(e => e is < 0 or > 1) => new($"{where}.eps", "eps are two numbers of 0 to 1; 1e-30 and 1e-3 are usual"),
            { ClipThreshold: <= 0 or > 1e6 } => new($"{where}.clip_threshold", "clip_threshold must be above 0; 1 is usual"),
            { DecayRate: >= 0 or < -10 } => new($"{where}.decay_rate", "decay_rate must be below 0; -0.8 is usual"),
            { Beta1: < 0 or >= 1 } => new($"{where}.beta1", "beta1 must be at least 0 and below 1"),
            { WarmupInit: true, RelativeStep: not true } => new($"{where}.warmup_init", "warmup_init needs relative_step"),
            _ => null,
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
            { WarmupType: { } curve } when !Curves.ContainsKey(curve) => new($"{where}.warmup_type", $"warmup_type must be {string.Join(", ", Curves.Keys)}"),
            _ => null,
        };
    }
}
