using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training.Optimizers;
using FineTuneService.Evaluations;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>A value of a job's body that cannot be used: which, and what to write instead.</summary>
public sealed record JobBodyProblem(string Param, string Message);

/// <summary>Makes <see cref="JobSettings"/> of a job's body: every value checked, every "auto" and absent value resolved.</summary>
internal static class JobSettingsReader
{
    internal const double DefaultLearningRate = 2e-4;

    /// <summary>Preferences move a model that answers already: a tenth of what teaches it.</summary>
    internal static double DefaultRate(bool isDpo, string technique) => isDpo ? JobTechnique.UsualRate(technique) / 10 : JobTechnique.UsualRate(technique);

    /// <summary>Preset default's.</summary>
    private const int DefaultEpochs = 1, MostRepeats = 10;
    private const double DefaultWarmup = 0.03;

    /// <summary>The settings, or null and the first problem.</summary>
    public static JobSettings? Read(CreateJobRequest body, bool fastBf16, out JobBodyProblem? problem)
    {
        problem = CheckPreset(body.Preset);
        if (problem is not null) return null;
        body = Presets.Under(body);
        problem = Check(body);
        if (problem is not null) return null;
        var lora = body.Lora;
        var training = body.Training;
        var openAi = body.Method?.Supervised?.Hyperparameters ?? body.Method?.Dpo?.Hyperparameters ?? body.Hyperparameters;
        var isDpo = body.Method?.Type == "dpo";
        var technique = body.Technique ?? JobTechnique.Lora;
        var precision = PrecisionNames.Of(body, fastBf16);
        problem = AdapterDtype(training, technique, precision);
        return problem is not null ? null : new JobSettings
        {
            Preset = body.Preset,
            Technique = technique,
            LlamaAdapter = technique != JobTechnique.LlamaAdapter ? null : new AdaptionPromptConfig
            {
                Length = body.LlamaAdapter?.AdapterLen ?? new AdaptionPromptConfig().Length,
                Layers = body.LlamaAdapter?.AdapterLayers,
            },
            Lora = technique == JobTechnique.Lora ? JobLora.Of(lora) : null,
            Precision = precision,
            LearningRate = training?.LearningRate ?? DefaultRate(isDpo, technique) * (openAi?.LearningRateMultiplier?.Or(1) ?? 1),
            Scheduler = TrainingOptions.Scheduler(training?.LrScheduler),
            ScheduleOptions = TrainingOptions.Of(training?.LrSchedulerKwargs),
            Warmup = training?.Warmup ?? DefaultWarmup,
            WeightDecay = training?.WeightDecay ?? 0,
            Beta1 = training?.Betas?[0] ?? 0.9,
            Beta2 = training?.Betas?[1] ?? OptimizerTable.UsualBeta2(training?.Optimizer ?? "adamw"),
            Epsilon = training?.Epsilon ?? 1e-8,
            Optimizer = training?.Optimizer ?? "adamw",
            Adafactor = TrainingOptions.Of(training?.Adafactor),
            Momentum = training?.Momentum ?? 0,
            Nesterov = training?.Nesterov ?? false,
            PagedOptimizer = training?.PagedOptimizer ?? false,
            LoraPlusRatio = lora?.LoraplusLrRatio,
            NeftuneAlpha = training?.NeftuneAlpha is > 0 and var alpha ? alpha : null,
            EarlyStopping = TrainingOptions.Of(training?.EarlyStopping),
            Keep = training?.Keep ?? "last",
            MaxGradNorm = training?.MaxGradNorm is { } norm ? norm == 0 ? null : norm : 1.0,
            BatchSize = training?.BatchSize ?? (int?)openAi?.BatchSize?.Number,
            MicroBatchSize = training?.MicroBatchSize,
            Epochs = training?.Epochs ?? (int?)openAi?.NEpochs?.Number ?? DefaultEpochs,
            MaxSteps = training?.MaxSteps,
            MaxSeqLength = training?.MaxSeqLength,
            TrainOn = training?.TrainOn ?? "assistant",
            Truncation = TrainingOptions.TruncationOf(training?.TruncationMode),
            Packing = training?.Packing ?? false,
            PackingStrategy = training?.Packing == true ? training.PackingStrategy ?? TrainingOptions.BestFit : null,
            GradientCheckpointing = training?.GradientCheckpointing ?? false,
            AdapterDtype = training?.AdapterDtype ?? TrainingOptions.Fp32,
            Dpo = isDpo ? JobPreference.Of(body) : null,
            Columns = body.Dataset?.Columns,
            PromptTemplate = body.Dataset?.PromptTemplate,
            ChatTemplate = body.ChatTemplate,
            MaxRows = body.Dataset?.MaxRows,
            EvalEvery = training?.EvalEvery,
            SaveEvery = training?.SaveEvery,
            MaxRuntime = training?.MaxRuntime,
            SaveTotalLimit = training?.SaveTotalLimit ?? 3,
            ValidationSplit = body.Dataset?.ValidationSplit ?? 0,
            Seed = (ulong)(body.Seed ?? 42),
            Evaluate = body.Evaluate,
            Repeats = body.Repeats ?? 1,
        };
    }

    private static JobBodyProblem? CheckPreset(string? preset) =>
        preset is null || Presets.Names.Contains(preset) ? null : new("preset", $"there is no preset '{Errors.Clip(preset)}'; use {string.Join(", ", Presets.Names)}");

    private static JobBodyProblem? Check(CreateJobRequest body) =>
        Identity(body) ?? JobDataset.Problem(body.Dataset) ?? JobDataset.TemplateProblem(body) ?? JobPreference.Problem(body) ?? JobLora.Problem(body.Lora) ?? Initialisation(body) ?? Loop(body.Training) ?? OpenAi(body)
        ?? TrainingOptions.Problem(body.Training ?? new(), body.ValidationFile is not null || body.Dataset?.ValidationSplit > 0) ?? Evaluation(body);

    private static JobBodyProblem? Identity(CreateJobRequest body)
    {
        if (JobTechnique.Problem(body) is { } unfit) return unfit;
        if (body.Method is { Type: not ("supervised" or "dpo") }) return new("method.type", $"method '{Errors.Clip(body.Method.Type)}' is not built; use supervised or dpo");
        if (PrecisionNames.Problem(body) is { } problem) return problem;
        if (body.Priority is < -100 or > 100) return new("priority", "priority must be -100 to 100; 0 is usual");
        if (body.Seed < 0) return new("seed", "seed must be 0 or more");
        if (body.Suffix is { } suffix && !Ids.IsSuffix(suffix)) return new("suffix", Ids.SuffixRule);
        if (body.Metadata is { } pairs && (pairs.Count > 16 || pairs.Any(p => p.Key.Length > 64 || p.Value is null or { Length: > 512 })))
            return new("metadata", "metadata holds at most 16 pairs, keys of at most 64 and values of at most 512 characters");
        return null;
    }

    private static JobBodyProblem? Initialisation(CreateJobRequest body)
    {
        if (body.Lora?.InitLoraWeights is not { } begin) return null;
        try
        {
            LoraConfig.RequireInitialisation(begin.Name, PrecisionNames.Of(body, fastBf16: false).Quantization);
            return null;
        }
        catch (ArgumentException refused)
        {
            return new("lora.init_lora_weights", refused.Message);
        }
    }

    private static JobBodyProblem? AdapterDtype(TrainingBody? training, string technique, BasePrecision precision)
    {
        if (training?.AdapterDtype != TrainingOptions.Bf16) return null;
        if (technique == JobTechnique.Full) return new("training.adapter_dtype", "full training has no adapter; leave adapter_dtype out");
        return precision.Dtype == ComputeDtype.Bf16 ? null : new("training.adapter_dtype", "an adapter in bf16 needs a base in bf16; give base_dtype bf16, or leave adapter_dtype out");
    }

    private static JobBodyProblem? Loop(TrainingBody? t)
    {
        if (t is null) return null;
        if (t.LearningRate is <= 0 or > 10) return new("training.learning_rate", "learning_rate must be above 0 and at most 10; 2e-4 is usual");
        if (t.Optimizer is { } optimizer && !OptimizerTable.Names.Contains(optimizer)) return new("training.optimizer", $"there is no optimizer '{Errors.Clip(optimizer)}'; use {string.Join(", ", OptimizerTable.Names)}");
        if (t.Momentum is < 0 or >= 1) return new("training.momentum", "momentum must be at least 0 and below 1; 0.9 is usual");
        if (t.Momentum is > 0 && t.Optimizer != "sgd") return new("training.momentum", "momentum is SGD's; give optimizer sgd, or betas");
        if (t.TrainOn is not (null or "assistant" or "completion" or "all")) return new("training.train_on", "train_on must be assistant, completion or all");
        if (t.Warmup is < 0 or > 1e6) return new("training.warmup", "warmup must be 0 to 1000000: steps, or a share of all steps below 1");
        if (t.WeightDecay is < 0 or > 1) return new("training.weight_decay", "weight_decay must be 0 to 1");
        if (t.Betas is { } betas && (betas.Length != 2 || betas.Any(b => b is < 0 or >= 1))) return new("training.betas", "betas are two numbers of at least 0 and below 1");
        if (t.MaxGradNorm < 0) return new("training.max_grad_norm", "max_grad_norm must be 0 (do not clip) or more");
        if (t.BatchSize is < 1 or > 4096) return new("training.batch_size", "batch_size must be 1 to 4096");
        if (t.MicroBatchSize is < 1 or > 4096) return new("training.micro_batch_size", "micro_batch_size must be 1 to 4096");
        if (t is { BatchSize: { } batch, MicroBatchSize: { } micro } && batch % micro != 0) return new("training.micro_batch_size", "micro_batch_size must divide batch_size");
        if (t.Epochs is < 1 or > 1000) return new("training.epochs", "epochs must be 1 to 1000");
        if (t.MaxSteps is < 1) return new("training.max_steps", "max_steps must be 1 or more");
        if (t.MaxSeqLength is < 8) return new("training.max_seq_length", "max_seq_length must be 8 or more");
        if (t.EvalEvery is < 0) return new("training.eval_every", "eval_every must be 0 (only at the end) or more");
        if (t.MaxRuntime is < 1) return new("training.max_runtime", "max_runtime must be 1 or more seconds; leave it out to train to the end");
        if (t.SaveTotalLimit is < 1 or > 100) return new("training.save_total_limit", "save_total_limit must be 1 to 100; 3 is usual");
        if (t.SaveEvery is < 0) return new("training.save_every", "save_every must be 0 (no checkpoint) or more");
        return null;
    }

    private static JobBodyProblem? OpenAi(CreateJobRequest body)
    {
        var given = body.Method?.Supervised?.Hyperparameters ?? body.Method?.Dpo?.Hyperparameters;
        var where = body.Method is null ? "hyperparameters" : $"method.{body.Method.Type}.hyperparameters";
        var h = given ?? body.Hyperparameters;
        if (given is not null && body.Hyperparameters is not null) return new("hyperparameters", $"give hyperparameters in method.{body.Method!.Type} only");
        if (h?.BatchSize?.Number is { } batch && (batch < 1 || batch > 4096 || batch % 1 != 0)) return new($"{where}.batch_size", "batch_size must be \"auto\" or a whole number, 1 to 4096");
        if (h?.NEpochs?.Number is { } epochs && (epochs < 1 || epochs > 1000 || epochs % 1 != 0)) return new($"{where}.n_epochs", "n_epochs must be \"auto\" or a whole number, 1 to 1000");
        if (h?.LearningRateMultiplier?.Number is <= 0 or > 10_000) return new($"{where}.learning_rate_multiplier", "learning_rate_multiplier must be \"auto\" or above 0");
        if (h?.BatchSize?.Number is { } rows && body.Training?.MicroBatchSize is { } micro && rows % micro != 0) return new("training.micro_batch_size", "micro_batch_size must divide batch_size");
        if (h?.BatchSize?.Number is not null && body.Training?.BatchSize is not null) return new("training.batch_size", "batch_size is given twice; give it in training only");
        if (h?.NEpochs?.Number is not null && body.Training?.Epochs is not null) return new("training.epochs", "epochs is given twice; give it in training only");
        if (h?.LearningRateMultiplier?.Number is not null && body.Training?.LearningRate is not null) return new("training.learning_rate", "the learning rate is given twice; give it in training only");
        return null;
    }

    private static JobBodyProblem? Evaluation(CreateJobRequest body)
    {
        if (body is { Repeats: > 1, Training.MaxRuntime: not null }) return new("training.max_runtime", "max_runtime ends one run; leave it out of a job with repeats");
        if (body.Repeats is < 1 or > MostRepeats) return new("repeats", $"repeats must be 1 to {MostRepeats}");
        if (body.Evaluate is not { } evaluate) return null;
        if (evaluate.Tasks.Count == 0) return new("evaluate.tasks", "evaluate.tasks names no task; give one, or leave evaluate out");
        return EvaluationReader.CheckTasks(evaluate.Tasks, evaluate.TaskFiles, evaluate.NumFewshot, evaluate.Limit) is { } problem
            ? new($"evaluate.{problem.Param}", problem.Message.TrimEnd('.')) : null;
    }
}
