using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Recipes of the articles that this service grew from (S. Raschka's experiments with LoRA and QLoRA, Lightning AI 2023, and LLaMA-Adapter's,
/// https://arxiv.org/abs/2303.16199). Each gives what it names; the rest is the service's default, which is the preset of that name.
/// </summary>
internal static class Presets
{
    private static readonly Dictionary<string, CreateJobRequest> All = new()
    {
        ["default"] = Recipe(
            lora: new LoraBody { Rank = 16, Alpha = 32, TargetModules = new OneOrMany(["all-linear"]) },
            training: new TrainingBody { Optimizer = "adamw", LrScheduler = "cosine", Warmup = 0.03, Epochs = 1 }),
        ["lightning"] = Recipe(
            lora: new LoraBody { Rank = 8, Alpha = 16, Dropout = 0.05, TargetModules = new OneOrMany(["q_proj", "v_proj"]) },
            training: new TrainingBody { LearningRate = 3e-4, BatchSize = 128, MicroBatchSize = 1, WeightDecay = 0.01, Warmup = 100 }),
        ["best"] = Recipe(
            lora: new LoraBody { Rank = 256, Alpha = 512, TargetModules = new OneOrMany(["all-linear+lm_head"]) },
            quantization: new QuantizationBody { Type = "nf4" },
            training: new TrainingBody { Optimizer = "adamw", LrScheduler = "cosine" }),
        ["sgd"] = Recipe(training: new TrainingBody { Optimizer = "sgd", LearningRate = 0.1, Momentum = 0.9 }),
        ["llama-adapter"] = Recipe(technique: "llama_adapter", training: new TrainingBody { LearningRate = 9e-3, WeightDecay = 0.02 }),
        ["full"] = Recipe(technique: "full", training: new TrainingBody { LearningRate = 3e-5 }),
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <summary>The body with what its preset gives under what it says itself.</summary>
    public static CreateJobRequest Under(CreateJobRequest body)
    {
        if (body.Preset is null) return body;
        CreateJobRequest preset = All[body.Preset];
        return body with
        {
            Technique = body.Technique ?? preset.Technique,
            Quantization = body.Quantization ?? preset.Quantization,
            Lora = Under(body.Lora, preset.Lora),
            Training = Under(body.Training, preset.Training, body.Method?.Supervised?.Hyperparameters ?? body.Hyperparameters),
        };
    }

    private static LoraBody? Under(LoraBody? own, LoraBody? preset)
    {
        if (own is null || preset is null) return own ?? preset;
        bool rank = own.Rank is not null || own.R is not null;
        return own with
        {
            Rank = rank ? own.Rank : preset.Rank,
            // Alpha goes with its rank: another rank has twice that again.
            Alpha = rank || own.LoraAlpha is not null ? own.Alpha : own.Alpha ?? preset.Alpha,
            Dropout = own.LoraDropout is not null ? own.Dropout : own.Dropout ?? preset.Dropout,
            TargetModules = own.TargetModules ?? preset.TargetModules,
        };
    }

    /// <param name="openAi">OpenAI's names for some of it.</param>
    private static TrainingBody? Under(TrainingBody? own, TrainingBody? preset, HyperparametersBody? openAi)
    {
        if (preset is null) return own;
        own ??= new TrainingBody();
        bool batch = own.BatchSize is not null || openAi?.BatchSize?.Number is not null;
        // Another optimizer than the preset's has another rate.
        bool rate = own.LearningRate is not null || openAi?.LearningRateMultiplier?.Number is not null || (own.Optimizer ?? preset.Optimizer) != preset.Optimizer;
        return own with
        {
            LearningRate = rate ? own.LearningRate : preset.LearningRate,
            LrScheduler = own.LrScheduler ?? preset.LrScheduler,
            Warmup = own.Warmup ?? preset.Warmup,
            WeightDecay = own.WeightDecay ?? preset.WeightDecay,
            Optimizer = own.Optimizer ?? preset.Optimizer,
            Momentum = own.Momentum ?? (own.Optimizer is null or "sgd" ? preset.Momentum : null),
            BatchSize = batch ? own.BatchSize : preset.BatchSize,
            MicroBatchSize = own.MicroBatchSize ?? preset.MicroBatchSize,
            Epochs = own.Epochs is not null || openAi?.NEpochs?.Number is not null ? own.Epochs : preset.Epochs,
        };
    }

    private static CreateJobRequest Recipe(string? technique = null, LoraBody? lora = null, QuantizationBody? quantization = null, TrainingBody? training = null) =>
        new() { Model = "", TrainingFile = "", Technique = technique, Lora = lora, Quantization = quantization, Training = training };
}
