namespace FineTuneService.FineTuningJobs;

/// <summary>The body of POST /v1/fine_tuning/tradeoff.</summary>
public sealed record TradeoffRequest
{
    /// <summary>A base model's name.</summary>
    public required string Model { get; init; }

    /// <summary>Id of a file with purpose fine-tune; its first rows are trained on.</summary>
    public required string TrainingFile { get; init; }
    public LoraBody? Lora { get; init; }
    public DatasetBody? Dataset { get; init; }
    public long? Seed { get; init; }

    /// <summary>Steps of each measurement, 1 to 20; 3 unless given.</summary>
    public int? Steps { get; init; }

    /// <summary>Rows of a step, 1 to 32; 4 unless given.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Tokens after which a row is cut; 512 unless given.</summary>
    public int? MaxSeqLength { get; init; }

    /// <summary>As a job's training.gradient_checkpointing.</summary>
    public bool? GradientCheckpointing { get; init; }

    /// <summary>How the frozen base is stored: none, int8, nf4, fp4 unless given.</summary>
    public IReadOnlyList<string>? Precisions { get; init; }

    /// <summary>adamw and sgd (learning rate 0.1, momentum 0.9) unless given.</summary>
    public IReadOnlyList<string>? Optimizers { get; init; }
}

/// <summary>What each precision and optimizer took, measured on the same rows from the same start.</summary>
/// <param name="Rows">Trained on by each.</param>
public sealed record TradeoffBody(string Object, string Model, int Rows, int Steps, IReadOnlyList<TradeoffRow> Data);

/// <param name="Dtype">What products are computed in.</param>
/// <param name="PeakBytes">Held at the most: base, adapter, gradients, optimizer and buffers. Absent where it was not measured.</param>
/// <param name="SecondsPerStep">Mean, the first step left out where there are several; other tenants' answers within it count.</param>
/// <param name="Loss">Of the last step.</param>
/// <param name="Refused">Why it was not measured: it does not fit.</param>
public sealed record TradeoffRow(string Precision, string Optimizer, string Dtype, long? PeakBytes, double? SecondsPerStep, double? Loss, string? Refused = null);
