
namespace FineTuneService.Engine.Lora;

/// <summary>Low-rank adaptation, https://arxiv.org/abs/2106.09685: y = W x + scaling · B A x, in PEFT's terms.</summary>
public sealed record LoraConfig
{
    /// <summary>PEFT's word for every linear layer of the decoder, lm_head left out.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>Ours: <see cref="AllLinear"/> and lm_head.</summary>
    public const string AllLinearAndHead = "all-linear+lm_head";

    public const int LargestRank = 2048;

    /// <summary>Inner dimension of B·A, 1…<see cref="LargestRank"/>.</summary>
    public int Rank { get; init; } = 16;

    /// <summary>Numerator of <see cref="Scaling"/> (PEFT's lora_alpha).</summary>
    public double Alpha { get; init; } = 32;

    /// <summary>Probability that an element of a target's input is dropped on the low-rank branch, 0…1, in training only.</summary>
    public double Dropout { get; init; }

    /// <summary>Module names such as q_proj (a suffix after a dot matches, as in PEFT), or one of the words above alone.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [AllLinear];

    /// <summary>alpha / rank.</summary>
    public double Scaling => Alpha / Rank;
}
