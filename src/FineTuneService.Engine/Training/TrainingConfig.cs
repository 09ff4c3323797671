using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Training.Optimizers;

namespace FineTuneService.Engine.Training;

/// <summary>What a loss of several micro batches is the average of.</summary>
public enum LossAverage
{
    /// <summary>Every trained token of the step weighs the same (transformers ≥ 4.46). The product's only choice.</summary>
    Tokens,

    /// <summary>The mean of the micro batches' means (transformers &lt; 4.46). An Engine option, for golden case 06a.</summary>
    MeanOfMicroBatchMeans,
}

/// <summary>Everything that decides a training run's bits, beside the base model and the rows.</summary>
public sealed record TrainingConfig
{
    /// <summary>The adapter to train, or null to train every parameter of the model.</summary>
    public LoraConfig? Lora { get; init; } = new();

    /// <summary>Preference training on pairs; null: supervised training.</summary>
    public DpoConfig? Dpo { get; init; }

    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>Peak learning rate.</summary>
    public double LearningRate { get; init; } = 2e-4;
    public LrScheduler Scheduler { get; init; } = LrScheduler.Cosine;
    public ScheduleOptions ScheduleOptions { get; init; } = new();

    /// <summary>Optimizer steps over which the rate rises from 0; step 1's rate is 0 where this is above 0.</summary>
    public int WarmupSteps { get; init; }

    /// <summary>Norm of all trainable gradients above which they are scaled down; null does not clip.</summary>
    public double? MaxGradNorm { get; init; } = 1.0;

    /// <summary>NEFTune's alpha: size of the noise on the embeddings in training; null: none.</summary>
    public double? NeftuneAlpha { get; init; }

    /// <summary>Each block's forward runs again in the backward instead of being kept: the same bits, a third more time, and activations of one block.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Rows of one forward and backward.</summary>
    public int MicroBatchSize { get; init; } = 4;

    /// <summary>Micro batches of one optimizer step.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;
    public int Epochs { get; init; } = 1;

    /// <summary>Optimizer steps after which the run ends, whatever <see cref="Epochs"/> says; null: at the end of the epochs.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Optimizer steps over which the learning rate falls, where that is not the run's own number.</summary>
    public int? ScheduleSteps { get; init; }

    /// <summary>Decides the row order, the initial adapter and dropout, by counter.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>SHA-256 of the adapter's weights that the run begins from; null: a new adapter's.</summary>
    public string? InitialWeights { get; init; }

    /// <summary>Optimizer steps between evaluations on the validation rows; 0: only at the end.</summary>
    public int EvalEvery { get; init; }

    /// <summary>Ends the run once its evaluations no longer improve; null: never.</summary>
    public EarlyStopping? EarlyStopping { get; init; }

    /// <summary>The run ends on the parameters of its best evaluation, not of its last step.</summary>
    public bool KeepBest { get; init; }

    /// <summary>Optimizer steps between checkpoints; 0: none.</summary>
    public int SaveEvery { get; init; }
    public LossAverage LossAverage { get; init; } = LossAverage.Tokens;

    /// <summary>Adapter weights, gradients and optimizer state in bf16 instead of fp32 (only on a bf16 base).</summary>
    public bool AllBf16 { get; init; }
}
