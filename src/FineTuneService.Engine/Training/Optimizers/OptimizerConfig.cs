namespace FineTuneService.Engine.Training.Optimizers;

/// <summary>What decides an optimizer's updates, beside the learning rate. Each reads what it knows of.</summary>
public sealed record OptimizerConfig
{
    /// <summary>One of <see cref="OptimizerTable.Names"/>.</summary>
    public string Name { get; init; } = "adamw";

    /// <summary>Decoupled (times the rate, off the weights) in all but Adam and SGD, which add it to the gradient.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Of the running mean. Adam and Lion.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Of Adam's running mean of squares, and of Lion's mean; usually <see cref="OptimizerTable.UsualBeta2"/>.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the root of Adam's mean square.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Of SGD; 0 has no momentum buffer.</summary>
    public double Momentum { get; init; }

    /// <summary>SGD looks ahead along its momentum.</summary>
    public bool Nesterov { get; init; }

    public AdafactorConfig Adafactor { get; init; } = new();

    /// <summary>The state lies in the host's memory between steps. Where the weights are there too it changes nothing.</summary>
    public bool Paged { get; init; }

    /// <summary>8-bit state is rounded as bitsandbytes' CPU kernels do, by a table. An Engine option, for golden cases; the product rounds to
    /// the nearest code, as its CUDA kernels do.</summary>
    public bool BinnedCodes { get; init; }

    /// <summary>The learning rate of every B is so many times that of A (LoRA+, https://arxiv.org/abs/2402.12354); null: the same.</summary>
    public double? LoraPlusRatio { get; init; }
}

/// <summary>Adafactor's own hyperparameters, https://arxiv.org/abs/1804.04235; defaults as in transformers' Trainer.</summary>
public sealed record AdafactorConfig
{
    /// <summary>Added to the squared gradient (transformers), or below which a mean square is not divided by (torch; null: fp32's epsilon).</summary>
    public double? Epsilon1 { get; init; }

    /// <summary>Smallest root mean square of a parameter that the rate is scaled by.</summary>
    public double Epsilon2 { get; init; } = 1e-3;

    /// <summary>Root mean square above which an update is scaled down (d in torch).</summary>
    public double ClipThreshold { get; init; } = 1;

    /// <summary>Exponent of the step in the mean squares' decay, 1 - step^this.</summary>
    public double Decay { get; init; } = -0.8;

    /// <summary>Of a running mean of updates; null: none. transformers' only.</summary>
    public double? Beta1 { get; init; }

    /// <summary>The rate is times each parameter's root mean square. transformers' only; torch's always does.</summary>
    public bool ScaleParameter { get; init; }

    /// <summary>The rate is 1/√step, at most 0.01, instead of the one that is given. transformers' only.</summary>
    public bool RelativeStep { get; init; }

    /// <summary>The relative rate begins at 1e-6·step.</summary>
    public bool WarmupInit { get; init; }
}
