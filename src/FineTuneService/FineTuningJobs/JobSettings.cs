using System.Text.Json;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Training.Optimizers;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>Everything a job's run depends on beside its files, with no "auto" left. Stored with the job, and shown by it.</summary>
public sealed record JobSettings
{
    /// <summary>The recipe that was asked for; null: none.</summary>
    public string? Preset { get; init; }
    /// <summary>lora, full or llama_adapter.</summary>
    public string Technique { get; init; } = JobTechnique.Lora;

    /// <summary>Null with another technique.</summary>
    public LoraConfig? Lora { get; init; }
    public AdaptionPromptConfig? LlamaAdapter { get; init; }
    public required BasePrecision Precision { get; init; }
    public required double LearningRate { get; init; }
    public required LrScheduler Scheduler { get; init; }
    public ScheduleOptions ScheduleOptions { get; init; } = new();

    /// <summary>Steps, or a share of all steps where below 1.</summary>
    public required double Warmup { get; init; }
    public required double WeightDecay { get; init; }
    public string Optimizer { get; init; } = "adamw";

    /// <summary>SGD's.</summary>
    public double Momentum { get; init; }
    public bool Nesterov { get; init; }

    /// <summary>The optimizer's state lies in the host's memory between steps.</summary>
    public bool PagedOptimizer { get; init; }

    /// <summary>How many times A's learning rate B's is (LoRA+); null: the same.</summary>
    public double? LoraPlusRatio { get; init; }

    /// <summary>Size of NEFTune's noise on the embeddings; null: none.</summary>
    public double? NeftuneAlpha { get; init; }
    public EarlyStopping? EarlyStopping { get; init; }

    /// <summary>last or best: which step's adapter the job ends with.</summary>
    public string Keep { get; init; } = "last";
    public required double Beta1 { get; init; }
    public required double Beta2 { get; init; }
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Null: as usual, and of other optimizers.</summary>
    public AdafactorConfig? Adafactor { get; init; }
    public double? MaxGradNorm { get; init; }

    /// <summary>Rows of an optimizer step; null until the file has been read.</summary>
    public int? BatchSize { get; init; }
    public int? MicroBatchSize { get; init; }

    /// <summary>From which step on micro batches have fewer rows, as the device's memory has no room for whole ones; absent where none was divided.</summary>
    public IReadOnlyList<MicroBatchDivision>? MicroBatchDivisions { get; init; }
    public required int Epochs { get; init; }
    public int? MaxSteps { get; init; }

    /// <summary>Tokens; null: what the base model was made for.</summary>
    public int? MaxSeqLength { get; init; }
    /// <summary>assistant, completion or all.</summary>
    public string TrainOn { get; init; } = "assistant";

    /// <summary>Our names for the file's columns.</summary>
    public IReadOnlyDictionary<string, string>? Columns { get; init; }

    /// <summary>Null: supervised training.</summary>
    public DpoConfig? Dpo { get; init; }

    /// <summary>Which end of a row that is too long stays.</summary>
    public Truncation Truncation { get; init; }
    public bool Packing { get; init; }

    /// <summary>bfd, bfd_split or wrapped; null where rows are not packed, and of jobs from before there was a choice.</summary>
    public string? PackingStrategy { get; init; }

    /// <summary>Each layer's forward is done again in the backward, instead of being kept.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>fp32 or bf16: the adapter's weights, gradients and optimizer state.</summary>
    public string AdapterDtype { get; init; } = TrainingOptions.Fp32;

    /// <summary>What rows are put into, by its text or name; null: what their format asks for.</summary>
    public string? PromptTemplate { get; init; }

    /// <summary>What conversations are put into; null: the base's own template.</summary>
    public string? ChatTemplate { get; init; }
    public int? MaxRows { get; init; }
    public int? EvalEvery { get; init; }
    public int? SaveEvery { get; init; }

    /// <summary>Seconds of steps; null: as long as it takes.</summary>
    public int? MaxRuntime { get; init; }

    /// <summary>The step at which a run ended that is done again, where that was before its end; null: its end.</summary>
    public int? StopAfter { get; init; }

    /// <summary>Checkpoints that stay as models.</summary>
    public int SaveTotalLimit { get; init; } = 3;
    public required double ValidationSplit { get; init; }
    public required ulong Seed { get; init; }

    /// <summary>Tasks before and after; null: none.</summary>
    public EvaluateBody? Evaluate { get; init; }

    /// <summary>Trainings, with seeds that follow each other.</summary>
    public int Repeats { get; init; } = 1;

    /// <summary>The adapter that training goes on from; null: a new one.</summary>
    public InitFrom? InitFrom { get; init; }

    /// <summary>A stored job's.</summary>
    public static JobSettings Of(FineTuningJob job) => JsonSerializer.Deserialize<JobSettings>(job.Settings, Json.Options)!;

    /// <summary>Optimizer steps over a training file of so many rows.</summary>
    /// <exception cref="OverflowException"><see cref="TooManySteps"/> says so before.</exception>
    public int StepsFor(int rows) => checked((int)AllSteps(rows));

    /// <summary>Why a training file of so many rows makes more steps than can be counted, or null.</summary>
    public JobBodyProblem? TooManySteps(int rows) => AllSteps(rows) <= int.MaxValue ? null : new("training.epochs",
        $"{Epochs} epochs of {rows} rows are {AllSteps(rows)} steps, and {int.MaxValue} are the most; lower epochs, raise batch_size or give max_steps");

    /// <summary>Why a job with so many validation rows cannot run, or null.</summary>
    public JobBodyProblem? NoValidation(int rows) => rows > 0 || EarlyStopping is null && Keep != "best" ? null : new("dataset.validation_split",
        "early_stopping and keep best watch the validation loss, and there is no validation row; raise validation_split or give a validation_file");

    private long AllSteps(int rows) => MaxSteps ?? (long)Epochs * (((long)rows + BatchOf(rows) - 1) / BatchOf(rows));

    /// <summary>The same, with what depends on the number of rows filled in.</summary>
    public JobSettings Resolved(int rows)
    {
        TrainingConfig config = For(rows);
        return this with
        {
            BatchSize = BatchOf(rows),
            MicroBatchSize = config.MicroBatchSize,
            EvalEvery = config.EvalEvery,
            SaveEvery = config.SaveEvery,
        };
    }

    /// <summary>The Engine's configuration for a training file of so many rows.</summary>
    public TrainingConfig For(int rows)
    {
        int batch = BatchOf(rows), micro = MicroBatchSize ?? batch, steps = StepsFor(rows);
        return new TrainingConfig
        {
            Lora = LlamaAdapter is { } prompt ? LoraConfig.OfPrompt(prompt) : Lora,
            Dpo = Dpo,
            LearningRate = LearningRate,
            Scheduler = Scheduler,
            ScheduleOptions = ScheduleOptions,
            WarmupSteps = WarmupOf(steps),
            Optimizer = new OptimizerConfig
            {
                Name = Optimizer,
                WeightDecay = WeightDecay,
                Beta1 = Beta1,
                Beta2 = Beta2,
                Epsilon = Epsilon,
                Adafactor = Adafactor ?? new AdafactorConfig(),
                Momentum = Momentum,
                Nesterov = Nesterov,
                Paged = PagedOptimizer,
                LoraPlusRatio = LoraPlusRatio,
            },
            NeftuneAlpha = NeftuneAlpha,
            EarlyStopping = EarlyStopping,
            KeepBest = Keep == "best",
            MaxGradNorm = MaxGradNorm,
            GradientCheckpointing = GradientCheckpointing,
            AllBf16 = AdapterDtype == TrainingOptions.Bf16,
            MicroBatchSize = micro,
            GradientAccumulationSteps = batch / micro,
            Epochs = Epochs,
            MaxSteps = MaxSteps,
            Seed = Seed,
            InitialWeights = InitFrom?.Sha256,
            EvalEvery = EvalEvery ?? Math.Max(1, steps / 4),
            SaveEvery = SaveEvery ?? Math.Max(1, steps / 4),
        };
    }

    /// <summary>A share of all steps is at least one, but of a run of one or two it is none: with warmup, the first step's rate is 0.</summary>
    private int WarmupOf(int steps)
    {
        if (Warmup >= 1) return (int)Warmup;
        return steps <= 2 && Warmup * steps < 1 ? 0 : (int)Math.Ceiling(Warmup * steps);
    }

    /// <summary>Rows of an optimizer step: whole micro batches where their size was asked for.</summary>
    private int BatchOf(int rows)
    {
        int batch = BatchSize ?? Math.Clamp(rows / 50, 1, 16);
        return MicroBatchSize is { } micro ? (batch + micro - 1) / micro * micro : Math.Min(batch, Math.Max(1, rows));
    }
}
