using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>A learning-rate schedule in transformers' names (get_scheduler).</summary>
internal static class ScheduleRecipe
{
    private static readonly Dictionary<string, LrScheduler> Names = new()
    {
        ["constant"] = LrScheduler.Constant,
        ["constant_with_warmup"] = LrScheduler.Constant,
        ["linear"] = LrScheduler.Linear,
        ["cosine"] = LrScheduler.Cosine,
        ["cosine_with_restarts"] = LrScheduler.CosineWithRestarts,
        ["cosine_with_min_lr"] = LrScheduler.CosineWithMinLr,
        ["polynomial"] = LrScheduler.Polynomial,
        ["inverse_sqrt"] = LrScheduler.InverseSqrt,
        ["warmup_stable_decay"] = LrScheduler.WarmupStableDecay,
    };

    private static readonly Dictionary<string, RateCurve> Curves = new()
    {
        ["linear"] = RateCurve.Linear,
        ["cosine"] = RateCurve.Cosine,
        ["1-sqrt"] = RateCurve.OneMinusSqrt,
    };

    /// <summary>The configuration with this schedule.</summary>
    /// <exception cref="NotSupportedException">Names the schedule, or its option, that is not built.</exception>
    public static TrainingConfig Apply(JsonObject schedule, TrainingConfig config)
    {
        RecipeFields.RefuseUnknown(schedule, "schedule ",
            ["name", "warmup_steps", "total_steps", "num_cycles", "min_lr", "min_lr_rate", "min_lr_ratio", "power", "lr_end", "timescale",
             "num_stable_steps", "num_decay_steps", "warmup_type", "decay_type"],
            new() { ["name"] = [.. Names.Keys], ["warmup_type"] = [.. Curves.Keys], ["decay_type"] = [.. Curves.Keys] });
        string name = (string)schedule["name"]!;
        // Half a cosine wave is the only number of cycles that these others take here.
        if (name != "cosine_with_restarts" && (double?)schedule["num_cycles"] is not (null or 0.5))
            throw new NotSupportedException($"schedule num_cycles {schedule["num_cycles"]} of {name} is not supported");
        return config with
        {
            Scheduler = Names[name],
            // transformers' constant knows no warmup, whatever it is given.
            WarmupSteps = name == "constant" ? 0 : (int?)schedule["warmup_steps"] ?? 0,
            ScheduleSteps = (int?)schedule["total_steps"],
            MaxSteps = config.MaxSteps ?? (int?)schedule["total_steps"],
            ScheduleOptions = Options(schedule, config.LearningRate),
        };
    }

    private static ScheduleOptions Options(JsonObject schedule, double peak)
    {
        var usual = new ScheduleOptions();
        return new ScheduleOptions
        {
            Cycles = (string?)schedule["name"] == "cosine_with_restarts" ? (int?)schedule["num_cycles"] ?? usual.Cycles : usual.Cycles,
            SmallestShare = (double?)schedule["min_lr_rate"] ?? (double?)schedule["min_lr_ratio"] ?? (double?)schedule["min_lr"] / peak ?? 0,
            Power = (double?)schedule["power"] ?? usual.Power,
            EndRate = (double?)schedule["lr_end"] ?? usual.EndRate,
            Timescale = (int?)schedule["timescale"],
            StableSteps = (int?)schedule["num_stable_steps"],
            DecaySteps = (int?)schedule["num_decay_steps"],
            WarmupCurve = Curves[(string?)schedule["warmup_type"] ?? "linear"],
            DecayCurve = Curves[(string?)schedule["decay_type"] ?? "cosine"],
        };
    }
}
