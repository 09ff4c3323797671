namespace FineTuneService.Engine.Training.Methods;

/// <summary>Direct preference optimization, https://arxiv.org/abs/2305.18290, in TRL's names.</summary>
public sealed record DpoConfig
{
    /// <summary>The divergence of plain DPO.</summary>
    internal const string ReverseKl = "reverse_kl";

    /// <summary>How close the policy stays to the reference: a reward is this times the log of how much likelier an answer has become.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>One of <see cref="PreferenceLosses.Names"/>.</summary>
    public string Loss { get; init; } = "sigmoid";

    /// <summary>Share of pairs that are believed to be the wrong way round, in sigmoid (conservative DPO), robust, exo_pair, simpo and aot.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Which divergence from the reference the loss bounds (TRL's f_divergence_type): one of <see cref="Divergences.Names"/>.</summary>
    public string Divergence { get; init; } = ReverseKl;

    /// <summary>SimPO's margin between the two rewards (TRL's simpo_gamma).</summary>
    public double Gamma { get; init; } = 0.5;
}
