using System.Text.Json.Nodes;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Training;

/// <summary>
/// A run written as JSON in PEFT's and transformers' names. What asks for something that is not built is refused by that name: a run
/// is never trained differently from what was written.
/// </summary>
/// <param name="Precision">Of the base.</param>
public sealed record TrainingRecipe(TrainingConfig Config, BasePrecision Precision)
{
    /// <exception cref="NotSupportedException">Names the feature.</exception>
    public static TrainingRecipe Parse(JsonObject recipe)
    {
        RefuseUnknown(recipe, "",
            ["name", "about", "seed", "steps", "tolerance", "eval_at", "base_model", "base_dtype", "attention", "method", "lora_config", "lora_dropout",
             "quantization", "autocast", "autocast_adapter_dtype", "optimizer", "schedule", "max_grad_norm", "micro_batch_size", "accumulation", "loss_average"]);
        JsonObject optimizer = recipe["optimizer"]!.AsObject(), schedule = recipe["schedule"]!.AsObject();
        RefuseUnknown(optimizer, "optimizer ", ["name", "lr", "betas", "eps", "weight_decay"], new() { ["name"] = ["adamw"] });
        RefuseUnknown(schedule, "schedule ", ["name", "warmup_steps", "total_steps"], new() { ["name"] = ["constant", "linear", "cosine"] });
        bool bf16 = (string?)recipe["base_dtype"] == "bfloat16";
        var config = new TrainingConfig
        {
            Lora = Lora(recipe),
            LearningRate = (double)optimizer["lr"]!,
            Beta1 = (double)optimizer["betas"]![0]!,
            Beta2 = (double)optimizer["betas"]![1]!,
            Epsilon = (double)optimizer["eps"]!,
            WeightDecay = (double)optimizer["weight_decay"]!,
            Scheduler = Enum.Parse<LrScheduler>((string)schedule["name"]!, ignoreCase: true),
            WarmupSteps = (int?)schedule["warmup_steps"] ?? 0,
            MaxSteps = (int?)schedule["total_steps"] ?? (int)recipe["steps"]!,
            MaxGradNorm = (double?)recipe["max_grad_norm"],
            MicroBatchSize = (int)recipe["micro_batch_size"]!,
            GradientAccumulationSteps = (int)recipe["accumulation"]!,
            LossAverage = (string?)recipe["loss_average"] == "tokens" ? LossAverage.Tokens : LossAverage.MeanOfMicroBatchMeans,
            AllBf16 = bf16 && (bool?)recipe["autocast_adapter_dtype"] == false,
            Seed = (ulong?)recipe["seed"] ?? 0,
        };
        return new TrainingRecipe(config, BaseOf(recipe["quantization"] as JsonObject, bf16));
    }

    private static LoraConfig? Lora(JsonObject recipe)
    {
        switch ((string)recipe["method"]!)
        {
            case "full": return null;
            case "lora": break;
            case string other: throw new NotSupportedException($"method {other} is not supported");
        }
        JsonObject lora = recipe["lora_config"]!.AsObject();
        RefuseUnknown(lora, "", ["r", "lora_alpha", "target_modules", "init_lora_weights", "fan_in_fan_out"],
            new() { ["init_lora_weights"] = ["true", "false"], ["fan_in_fan_out"] = ["false"] });
        return new LoraConfig
        {
            Rank = (int)lora["r"]!,
            Alpha = (double)lora["lora_alpha"]!,
            Dropout = (double?)recipe["lora_dropout"] ?? 0,
            TargetModules = lora["target_modules"] is JsonArray names ? [.. names.Select(name => (string)name!)] : [(string)lora["target_modules"]!],
        };
    }

    private static BasePrecision BaseOf(JsonObject? quantization, bool bf16)
    {
        ComputeDtype dtype = bf16 ? ComputeDtype.Bf16 : ComputeDtype.Fp32;
        if (quantization is null) return new BasePrecision(dtype);
        RefuseUnknown(quantization, "quantization ", ["type", "double_quant", "compute_dtype", "blocksize", "nested"],
            new() { ["type"] = ["nf4"], ["blocksize"] = ["64"], ["nested"] = ["nearest"] });
        return new BasePrecision(dtype, QuantizationType.Nf4, (bool?)quantization["double_quant"] ?? false);
    }

    private static void RefuseUnknown(JsonObject given, string prefix, string[] known, Dictionary<string, string[]>? values = null)
    {
        foreach ((string name, JsonNode? value) in given)
        {
            string text = value?.ToString() ?? "";
            if (values?.GetValueOrDefault(name) is { } allowed && !allowed.Contains(text))
                throw new NotSupportedException($"{prefix}{name} {text} is not supported");
            if (!known.Contains(name)) throw new NotSupportedException($"{prefix}{name} is not supported");
        }
    }
}
