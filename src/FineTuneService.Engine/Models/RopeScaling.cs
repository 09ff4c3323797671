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
/// <param name="AttentionFactor">Null: 0.1·ln(factor) + 1.</param>
public sealed record YarnRopeScaling(double Factor, double BetaFast, double BetaSlow, int OriginalMaxPositions, double? AttentionFactor) : RopeScaling(Factor);
