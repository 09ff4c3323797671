namespace FineTuneService.FineTuningJobs;

/// <summary>How the frozen base is stored while it is trained against, and while the adapter is served.</summary>
public sealed record QuantizationBody
{
    /// <summary>none, int8, nf4, fp4, or as_stored: a GGUF file's own blocks.</summary>
    public required string Type { get; init; }

    /// <summary>Quantise the scales of nf4 and fp4 too; true unless given.</summary>
    public bool? DoubleQuant { get; init; }
}
