using System.Text.Json.Nodes;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>
/// A run written as JSON in PEFT's and transformers' names. What asks for something that is not built is refused by that name: a run
/// is never trained differently from what was written.
/// </summary>
/// <param name="Precision">Of the base.</param>
internal sealed record TrainingRecipe(TrainingConfig Config, BasePrecision Precision)
{
    /// <exception cref="NotSupportedException">Names the feature.</exception>
    public static TrainingRecipe Parse(JsonObject recipe)
    {
        RecipeFields.RefuseUnknown(recipe, "",
            ["name", "about", "seed", "steps", "tolerance", "eval_at", "base_model", "base_dtype", "attention", "method", "lora_config", "lora_dropout",
             "quantization", "autocast", "autocast_adapter_dtype", "optimizer", "schedule", "max_grad_norm", "micro_batch_size", "accumulation", "loss_average", "neftune_noise_alpha", "dpo", "adaption_prompt_config"]);
        JsonObject optimizer = recipe["optimizer"]!.AsObject();
        bool bf16 = (string?)recipe["base_dtype"] == "bfloat16";
        var config = new TrainingConfig
        {
            Lora = Lora(recipe),
            LearningRate = (double)optimizer["lr"]!,
            Optimizer = OptimizerRecipe.Parse(optimizer),
            MaxSteps = (int)recipe["steps"]!,
            MaxGradNorm = (double?)recipe["max_grad_norm"],
            MicroBatchSize = (int)recipe["micro_batch_size"]!,
            GradientAccumulationSteps = (int)recipe["accumulation"]!,
            LossAverage = (string?)recipe["loss_average"] is "tokens" or "pairs" ? LossAverage.Tokens : LossAverage.MeanOfMicroBatchMeans,
            AllBf16 = bf16 && (bool?)recipe["autocast_adapter_dtype"] == false,
            Seed = (ulong?)recipe["seed"] ?? 0,
            NeftuneAlpha = (double?)recipe["neftune_noise_alpha"],
            Dpo = Dpo(recipe["dpo"] as JsonObject),
        };
        config = ScheduleRecipe.Apply(recipe["schedule"]!.AsObject(), config);
        return new TrainingRecipe(config, BaseOf(recipe["quantization"] as JsonObject, bf16));
    }

    private static DpoConfig? Dpo(JsonObject? dpo)
    {
        if (dpo is null) return null;
        RecipeFields.RefuseUnknown(dpo, "dpo ", ["loss_type", "beta", "label_smoothing", "f_divergence_type", "simpo_gamma"], new() { ["loss_type"] = [.. PreferenceLosses.Names] });
        return new DpoConfig
        {
            Loss = (string?)dpo["loss_type"] ?? "sigmoid",
            Beta = (double?)dpo["beta"] ?? 0.1,
            LabelSmoothing = (double?)dpo["label_smoothing"] ?? 0,
            Divergence = (string?)dpo["f_divergence_type"] ?? DpoConfig.ReverseKl,
            Gamma = (double?)dpo["simpo_gamma"] ?? 0.5,
        };
    }

    private static LoraConfig? Lora(JsonObject recipe)
    {
        switch ((string)recipe["method"]!)
        {
            case "full": return null;
            case "lora": break;
            case "adaption_prompt":
                JsonObject prompt = recipe["adaption_prompt_config"]!.AsObject();
                RecipeFields.RefuseUnknown(prompt, "adaption_prompt_config ", ["adapter_len", "adapter_layers"]);
                return LoraConfig.OfPrompt(new AdaptionPromptConfig { Length = (int)prompt["adapter_len"]!, Layers = (int)prompt["adapter_layers"]! });
            case string other: throw new NotSupportedException($"method {other} is not supported");
        }
        JsonObject lora = recipe["lora_config"]!.DeepClone().AsObject();
        lora["peft_type"] = "LORA";
        try
        {
            return PeftConfig.Parse(lora.ToJsonString()) with { Dropout = (double?)recipe["lora_dropout"] ?? 0 };
        }
        catch (AdapterException refused)
        {
            throw new NotSupportedException(refused.Message);
        }
    }

    private static BasePrecision BaseOf(JsonObject? quantization, bool bf16)
    {
        ComputeDtype dtype = bf16 ? ComputeDtype.Bf16 : ComputeDtype.Fp32;
        if (quantization is null) return new BasePrecision(dtype);
        RecipeFields.RefuseUnknown(quantization, "quantization ", ["type", "double_quant", "compute_dtype", "blocksize", "nested", "threshold", "matmul"],
            new() { ["type"] = ["nf4", "fp4", "int8"], ["blocksize"] = ["64"], ["nested"] = ["nearest", "cpu_kernel"], ["matmul"] = ["dequantize", "llm_int8"] });
        if ((string)quantization["type"]! == "int8")
        {
            float threshold = (float?)quantization["threshold"] ?? Int8Format.OutlierThreshold;
            return new BasePrecision(dtype, QuantizationType.Int8) { Format = new Int8Format((string?)quantization["matmul"] == "dequantize" ? null : threshold) };
        }
        QuantizationType type = (string)quantization["type"]! == "nf4" ? QuantizationType.Nf4 : QuantizationType.Fp4;
        bool twice = (bool?)quantization["double_quant"] ?? false, byTable = (string?)quantization["nested"] == "cpu_kernel";
        var precision = new BasePrecision(dtype, type, twice);
        return byTable ? precision with { Format = (FourBitFormat)precision.Format with { ByTable = true } } : precision;
    }
}
