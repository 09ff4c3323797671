namespace FineTuneService.FineTuningJobs;

/// <summary>The training loop, in our names.</summary>
public sealed record TrainingBody
{
    public double? LearningRate { get; init; }

    /// <summary>constant, linear, cosine, cosine_with_restarts, cosine_with_min_lr, polynomial, inverse_sqrt or warmup_stable_decay, all behind the warmup.</summary>
    public string? LrScheduler { get; init; }

    /// <summary>What the schedule has beside.</summary>
    public LrSchedulerBody? LrSchedulerKwargs { get; init; }

    /// <summary>A whole number of steps, or a share of all steps below 1.</summary>
    public double? Warmup { get; init; }
    public double? WeightDecay { get; init; }

    /// <summary>adamw, adam, sgd, adafactor, adafactor_torch, lion, adamw_8bit or lion_8bit.</summary>
    public string? Optimizer { get; init; }

    /// <summary>SGD's; 0 unless given.</summary>
    public double? Momentum { get; init; }

    /// <summary>SGD looks ahead along its momentum.</summary>
    public bool? Nesterov { get; init; }

    /// <summary>The optimizer's state lies in the host's memory between steps. On a machine without a GPU it is there anyway.</summary>
    public bool? PagedOptimizer { get; init; }

    /// <summary>Two decay rates, of Adam and Lion.</summary>
    public double[]? Betas { get; init; }

    /// <summary>Adam's, added to the root of its mean square; 1e-8 unless given.</summary>
    public double? Epsilon { get; init; }

    /// <summary>What Adafactor has beside.</summary>
    public AdafactorBody? Adafactor { get; init; }

    /// <summary>0 does not clip.</summary>
    public double? MaxGradNorm { get; init; }

    /// <summary>Rows of one optimizer step.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Rows of one forward and backward; must divide the batch size.</summary>
    public int? MicroBatchSize { get; init; }
    public int? Epochs { get; init; }

    /// <summary>Ends the run after so many optimizer steps, whatever epochs says.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>Tokens after which a row is cut.</summary>
    public int? MaxSeqLength { get; init; }

    /// <summary>keep_start or keep_end: which end of a longer row stays; keep_start unless given.</summary>
    public string? TruncationMode { get; init; }

    /// <summary>Put short rows together into one of max_seq_length; none sees another's tokens.</summary>
    public bool? Packing { get; init; }

    /// <summary>bfd (the default), bfd_split: longer rows are not cut but split; or wrapped: one stream of tokens, in which rows do see each other.</summary>
    public string? PackingStrategy { get; init; }

    /// <summary>Keep of each layer only what it began with, and do its forward again in the backward: the same adapter, byte for byte, for about a third more time and far
    /// less memory.</summary>
    public bool? GradientCheckpointing { get; init; }

    /// <summary>fp32 unless given; bf16, on a base in bf16: what the adapter's weights, their gradients and the optimizer's state are kept in.</summary>
    public string? AdapterDtype { get; init; }

    /// <summary>What carries loss: assistant (the answers; the default), completion (all behind the prompt of prompt/completion rows), or all.</summary>
    public string? TrainOn { get; init; }

    /// <summary>NEFTune: size of the noise that is added to the embeddings in training; 5 is usual, 0 adds none.</summary>
    public double? NeftuneAlpha { get; init; }

    /// <summary>Ends the run once its validation loss no longer falls.</summary>
    public EarlyStoppingBody? EarlyStopping { get; init; }

    /// <summary>last or best: the adapter is that of the last step, or of the lowest validation loss.</summary>
    public string? Keep { get; init; }

    /// <summary>Steps between evaluations; 0 only at the end.</summary>
    public int? EvalEvery { get; init; }

    /// <summary>Steps between checkpoints; 0 keeps none.</summary>
    public int? SaveEvery { get; init; }

    /// <summary>Seconds of training steps after which the run stops and keeps what it has learned, as POST …/stop does; waiting and pauses do not count.</summary>
    public int? MaxRuntime { get; init; }

    /// <summary>How many checkpoints stay as models, the newest; 3 unless given, and at most 100.</summary>
    public int? SaveTotalLimit { get; init; }
}
