namespace FineTuneService.Engine.Models;

/// <summary>How config.json's rope_scaling stretches the rotary embedding; formulas in <see cref="RotaryFrequencies"/>.</summary>
public abstract record RopeScaling(double Factor);

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
