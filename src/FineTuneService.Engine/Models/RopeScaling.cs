namespace FineTuneService.Engine.Models;

/// <summary>How config.json's rope_scaling stretches the rotary embedding; formulas in <see cref="RotaryFrequencies"/>.</summary>
public abstract record RopeScaling(double Factor)
{
    /// <summary>Frequencies are by how long a sequence is.</summary>
    internal bool DependsOnLength => this is DynamicRopeScaling or LongRopeScaling;
}

/// <summary>Positions divided by the factor.</summary>
public sealed record LinearRopeScaling(double Factor) : RopeScaling(Factor);

/// <summary>Dynamic NTK.</summary>
public sealed record DynamicRopeScaling(double Factor) : RopeScaling(Factor);

/// <summary>Llama 3.1's.</summary>
public sealed record Llama3RopeScaling(double Factor, double LowFrequencyFactor, double HighFrequencyFactor, int OriginalMaxPositions) : RopeScaling(Factor);

/// <summary>YaRN.</summary>
/// <param name="AttentionFactor">On cosines and sines; null: it follows from the factor and the two mscales.</param>
/// <param name="Mscale">DeepSeek's weight of ln(factor) in the attention factor; it counts only together with the other one.</param>
/// <param name="Truncate">The ramp's ends are whole dimensions.</param>
public sealed record YarnRopeScaling(
    double Factor, double BetaFast, double BetaSlow, int OriginalMaxPositions, double? AttentionFactor, double? Mscale = null, double? MscaleAllDim = null, bool Truncate = true)
    : RopeScaling(Factor);

/// <summary>LongRoPE, https://arxiv.org/abs/2402.13753: a divisor of each frequency, one list up to the original length and one beyond it.</summary>
/// <param name="AttentionFactor">On cosines and sines.</param>
public sealed record LongRopeScaling(IReadOnlyList<double> Short, IReadOnlyList<double> Long, int OriginalMaxPositions, double AttentionFactor) : RopeScaling(1);

/// <summary>A rotary embedding.</summary>
/// <param name="Dims">Of each head's dimensions, those that are turned.</param>
/// <param name="MaxPositions">The model's longest sequence, which dynamic scaling depends on.</param>
internal sealed record RopeTraits(double Theta, RopeScaling? Scaling, int Dims, int MaxPositions);
