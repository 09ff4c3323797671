using FineTuneService.Evaluations;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>The body of POST /v1/fine_tuning/jobs: OpenAI's fields, and ours beside them. A field that is not here is refused by name.</summary>
public sealed record CreateJobRequest
{
    /// <summary>A base model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Id of a file with purpose fine-tune: JSONL, a JSON array or CSV, whose rows are chat messages (with tools), prompt/completion, Alpaca, Dolly, ShareGPT, text, or any columns (see dataset).</summary>
    public required string TrainingFile { get; init; }

    /// <summary>Id of a file in the same format, evaluated during training and never trained on.</summary>
    public string? ValidationFile { get; init; }

    /// <summary>Up to 64 letters, digits, dots, dashes and underscores that become part of the model's name.</summary>
    public string? Suffix { get; init; }

    /// <summary>The same seed, data and configuration give the same adapter, byte for byte, on the same machine.</summary>
    public long? Seed { get; init; }

    /// <summary>Up to 16 pairs for your own use.</summary>
    public Dictionary<string, string>? Metadata { get; init; }

    /// <summary>OpenAI's method object.</summary>
    public MethodBody? Method { get; init; }

    /// <summary>OpenAI's older place for supervised hyperparameters.</summary>
    public HyperparametersBody? Hyperparameters { get; init; }

    /// <summary>A recipe that gives every value that this body does not: default, lightning, best, sgd, llama-adapter, full.</summary>
    public string? Preset { get; init; }

    /// <summary>lora, llama_adapter, or full: every weight of a copy of the base, which becomes a model of its own.</summary>
    public string? Technique { get; init; }
    public LoraBody? Lora { get; init; }

    /// <summary>With technique llama_adapter.</summary>
    public LlamaAdapterBody? LlamaAdapter { get; init; }
    public QuantizationBody? Quantization { get; init; }

    /// <summary>auto (bf16 where this machine is fast in it), fp32 or bf16.</summary>
    public string? BaseDtype { get; init; }
    public TrainingBody? Training { get; init; }

    /// <summary>With method dpo.</summary>
    public DpoBody? Dpo { get; init; }
    public DatasetBody? Dataset { get; init; }

    /// <summary>Tasks that are put to the base before training and to the adapter after it.</summary>
    public EvaluateBody? Evaluate { get; init; }

    /// <summary>Trainings with seeds that follow each other, 1 to 10: the answer has mean and deviation of their losses and tasks. The adapter of the
    /// job's own seed is kept.</summary>
    public int? Repeats { get; init; }
    /// <summary>An adapter of yours (its id or its name as a model) or a checkpoint that training goes on from; its rank, alpha and targets are then the job's.</summary>
    public string? InitFrom { get; init; }

    /// <summary>-100 to 100, 0 unless given: of your own jobs that wait, the larger is trained first. Other tenants' turns do not depend on it.</summary>
    public int? Priority { get; init; }
    public NotBuilt? Integrations { get; init; }
}

/// <summary>How to train: supervised, or dpo (on pairs of a preferred and another answer).</summary>
public sealed record MethodBody
{
    public required string Type { get; init; }
    public SupervisedBody? Supervised { get; init; }
    public PreferenceBody? Dpo { get; init; }
}

public sealed record PreferenceBody
{
    public PreferenceHyperparametersBody? Hyperparameters { get; init; }
}

/// <summary>OpenAI's hyperparameters of DPO, each a number or "auto".</summary>
public sealed record PreferenceHyperparametersBody : HyperparametersBody
{
    /// <summary>How close the model stays to what it was; 0.1 unless given.</summary>
    public Auto? Beta { get; init; }
}

/// <summary>DPO in TRL's names.</summary>
public sealed record DpoBody
{
    /// <summary>How close the model stays to what it was; 0.1 unless given.</summary>
    public double? Beta { get; init; }

    /// <summary>sigmoid unless given; ipo, hinge, robust, simpo, orpo, aot and others of TRL's.</summary>
    public string? LossType { get; init; }

    /// <summary>reverse_kl unless given; forward_kl or js_divergence.</summary>
    public string? FDivergenceType { get; init; }

    /// <summary>SimPO's margin between the two rewards; 0.5 unless given.</summary>
    public double? SimpoGamma { get; init; }

    /// <summary>Share of pairs that are believed to be the wrong way round, below a half.</summary>
    public double? LabelSmoothing { get; init; }
}

public sealed record SupervisedBody
{
    public HyperparametersBody? Hyperparameters { get; init; }
}

/// <summary>OpenAI's hyperparameters, each a number or "auto".</summary>
public record HyperparametersBody
{
    /// <summary>Rows of one optimizer step.</summary>
    public Auto? BatchSize { get; init; }

    /// <summary>Scales the service's own learning rate.</summary>
    public Auto? LearningRateMultiplier { get; init; }
    public Auto? NEpochs { get; init; }
}

/// <summary>The adapter, in our names or in those of PEFT's adapter_config.json.</summary>
public sealed record LoraBody
{
    /// <summary>1…2048; 16 unless given.</summary>
    public int? Rank { get; init; }

    /// <summary>PEFT's name for rank.</summary>
    public int? R { get; init; }

    /// <summary>Twice the rank unless given.</summary>
    public double? Alpha { get; init; }

    /// <summary>PEFT's name for alpha.</summary>
    public double? LoraAlpha { get; init; }
    public double? Dropout { get; init; }

    /// <summary>PEFT's name for dropout.</summary>
    public double? LoraDropout { get; init; }

    /// <summary>all-linear (every linear layer but lm_head), all-linear+lm_head, or a list of module names.</summary>
    public OneOrMany? TargetModules { get; init; }

    /// <summary>How A and B begin: true, gaussian, pissa, pissa_niter_N or olora; loftq on a base in int8, nf4 or fp4.</summary>
    public InitWeights? InitLoraWeights { get; init; }

    /// <summary>How many times A's learning rate B's is (LoRA+); 16 is usual.</summary>
    public double? LoraplusLrRatio { get; init; }
}

/// <summary>LLaMA-Adapter, in PEFT's names.</summary>
public sealed record LlamaAdapterBody
{
    /// <summary>Trained tokens a layer; 10 unless given.</summary>
    public int? AdapterLen { get; init; }

    /// <summary>Layers that have them, counted from the last; all but the first two unless given.</summary>
    public int? AdapterLayers { get; init; }
}

/// <summary>How the frozen base is stored while it is trained against, and while the adapter is served.</summary>
public sealed record QuantizationBody
{
    /// <summary>none, int8, nf4, fp4, or as_stored: a GGUF file's own blocks.</summary>
    public required string Type { get; init; }

    /// <summary>Quantise the scales of nf4 and fp4 too; true unless given.</summary>
    public bool? DoubleQuant { get; init; }
}

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

    /// <summary>Put short rows together into one of max_seq_length; none sees another's tokens.</summary>
    public bool? Packing { get; init; }

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

    /// <summary>How many checkpoints stay as models, the newest; 3 unless given, and at most 100.</summary>
    public int? SaveTotalLimit { get; init; }
}

/// <summary>What to take of the training file, and how its columns are read.</summary>
public sealed record DatasetBody
{
    /// <summary>Our names for columns, each with the file's: {"prompt": "question", "completion": "answer"}. Under a prompt template: its places, and completion.</summary>
    public Dictionary<string, string>? Columns { get; init; }

    /// <summary>A text with columns in braces ("Q: {question}\nA:") that makes each row's prompt, or alpaca, dolly or dolly-databricks. It is kept with the
    /// adapter, and what the adapter is asked goes into it. The answer is the column completion, output, response or answer, unless columns says.</summary>
    public string? PromptTemplate { get; init; }

    /// <summary>Rows of the training file after which no more is read.</summary>
    public int? MaxRows { get; init; }

    /// <summary>Id of a file in the training file's format that the trained adapter is scored on, once, at the end.</summary>
    public string? TestFile { get; init; }

    /// <summary>Share of the training file's rows, below 1, that is held out for validation where there is no validation file.</summary>
    public double? ValidationSplit { get; init; }
}

/// <summary>lm-evaluation-harness's tasks around a job.</summary>
public sealed record EvaluateBody
{
    /// <summary>The harness's names, as in /v1/evaluations.</summary>
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>Uploaded data by task name.</summary>
    public Dictionary<string, TaskFilesBody>? TaskFiles { get; init; }
    public int? NumFewshot { get; init; }

    /// <summary>Only the first so many questions of each task.</summary>
    public int? Limit { get; init; }
}
