using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>How to train: supervised, or dpo (on pairs of a preferred and another answer).</summary>
public sealed record MethodBody
{
    public required string Type { get; init; }
    public SupervisedBody? Supervised { get; init; }
    public PreferenceBody? Dpo { get; init; }
    public NotBuilt? Reinforcement { get; init; }
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
