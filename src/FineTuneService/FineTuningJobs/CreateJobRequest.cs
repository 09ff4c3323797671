using FineTuneService.Integrations;

namespace FineTuneService.FineTuningJobs;

/// <summary>The body of POST /v1/fine_tuning/jobs: OpenAI's fields, and ours beside them. A field that is not here is refused by name.</summary>
public sealed record CreateJobRequest
{
    /// <summary>A base model's name; or that of a fine-tuned model of yours, which training then goes on from, as with init_from.</summary>
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

    /// <summary>A chat template (Jinja) that conversations are put into instead of the base's, in training and in every answer: it goes with the adapter. A base without one
    /// learns from conversations by it. With init_from: that adapter's own unless given.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Tasks that are put to the base before training and to the adapter after it.</summary>
    public EvaluateBody? Evaluate { get; init; }

    /// <summary>Trainings with seeds that follow each other, 1 to 10: the answer has mean and deviation of their losses and tasks. The adapter of the
    /// job's own seed is kept.</summary>
    public int? Repeats { get; init; }
    /// <summary>An adapter of yours (its id or its name as a model) or a checkpoint that training goes on from; its rank, alpha and targets are then the job's.</summary>
    public string? InitFrom { get; init; }

    /// <summary>-100 to 100, 0 unless given: of your own jobs that wait, the larger is trained first. Other tenants' turns do not depend on it.</summary>
    public int? Priority { get; init; }

    /// <summary>One of type mlflow: the job is told to the service's MLflow server as a run.</summary>
    public IReadOnlyList<IntegrationBody>? Integrations { get; init; }
}
