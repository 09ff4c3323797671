using System.Text.Json.Nodes;
using FineTuneService.Engine.Training.Optimizers;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>An optimizer in torch's, transformers' and bitsandbytes' names.</summary>
internal static class OptimizerRecipe
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["adamw"] = "adamw",
        ["adam"] = "adam",
        ["sgd"] = "sgd",
        ["adafactor"] = "adafactor",
        ["lion"] = "lion",
        ["adamw8bit"] = "adamw_8bit",
        ["lion8bit"] = "lion_8bit",
    };

    /// <exception cref="NotSupportedException">Names the optimizer, or its option, that is not built.</exception>
    public static OptimizerConfig Parse(JsonObject optimizer)
    {
        RecipeFields.RefuseUnknown(optimizer, "optimizer ",
            ["name", "lr", "betas", "eps", "weight_decay", "momentum", "nesterov", "min_8bit_size", "blocksize", "loraplus_lr_ratio",
             "loraplus_weight_decay", "beta2_decay", "d", "clip_threshold", "decay_rate", "beta1", "scale_parameter", "relative_step", "warmup_init"],
            new() { ["min_8bit_size"] = ["4096"], ["blocksize"] = ["256"] });
        string name = (string)optimizer["name"]!;
        bool paged = name.StartsWith("paged_", StringComparison.Ordinal), torch = optimizer.ContainsKey("beta2_decay");
        string plain = paged ? name["paged_".Length..] : name;
        if (!Names.TryGetValue(plain, out string? known)) throw new NotSupportedException($"optimizer name {name} is not supported");
        JsonArray? epsilons = optimizer["eps"] as JsonArray;
        return new OptimizerConfig
        {
            Name = known == "adafactor" && torch ? "adafactor_torch" : known,
            Beta1 = (double?)optimizer["betas"]?[0] ?? 0.9,
            Beta2 = (double?)optimizer["betas"]?[1] ?? (known.StartsWith("lion", StringComparison.Ordinal) ? 0.99 : 0.999),
            Epsilon = epsilons is null ? (double?)optimizer["eps"] ?? 1e-8 : 1e-8,
            WeightDecay = (double?)optimizer["loraplus_weight_decay"] ?? (double?)optimizer["weight_decay"] ?? 0,
            Momentum = (double?)optimizer["momentum"] ?? 0,
            Nesterov = (bool?)optimizer["nesterov"] ?? false,
            Paged = paged,
            LoraPlusRatio = (double?)optimizer["loraplus_lr_ratio"],
            Adafactor = new AdafactorConfig
            {
                Epsilon1 = (double?)epsilons?[0],
                Epsilon2 = (double?)epsilons?[1] ?? 1e-3,
                ClipThreshold = (double?)optimizer["clip_threshold"] ?? (double?)optimizer["d"] ?? 1,
                Decay = (double?)optimizer["decay_rate"] ?? (double?)optimizer["beta2_decay"] ?? -0.8,
                Beta1 = (double?)optimizer["beta1"],
                ScaleParameter = (bool?)optimizer["scale_parameter"] ?? false,
                RelativeStep = (bool?)optimizer["relative_step"] ?? false,
                WarmupInit = (bool?)optimizer["warmup_init"] ?? false,
            },
        };
    }
}
