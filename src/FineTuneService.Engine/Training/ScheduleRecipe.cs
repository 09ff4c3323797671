using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Training;

/// <summary>A learning-rate schedule in transformers' names (get_scheduler).</summary>
internal static class ScheduleRecipe
{
    /// <summary>The configuration with this schedule.</summary>
    /// <exception cref="NotSupportedException">Names the schedule, or its option, that is not built.</exception>
    public static TrainingConfig Apply(JsonObject schedule, TrainingConfig config)
    {
        RecipeFields.RefuseUnknown(schedule, "schedule ", ["name", "warmup_steps", "total_steps"],
            new() { ["name"] = ["constant", "constant_with_warmup", "linear", "cosine"] });
        string name = (string)schedule["name"]!;
        return config with
        {
            Scheduler = name switch { "linear" => LrScheduler.Linear, "cosine" => LrScheduler.Cosine, _ => LrScheduler.Constant },
            // transformers' constant knows no warmup, whatever it is given.
            WarmupSteps = name == "constant" ? 0 : (int?)schedule["warmup_steps"] ?? 0,
            ScheduleSteps = (int?)schedule["total_steps"],
            MaxSteps = config.MaxSteps ?? (int?)schedule["total_steps"],
        };
    }
}
