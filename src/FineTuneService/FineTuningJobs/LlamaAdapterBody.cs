namespace FineTuneService.FineTuningJobs;

/// <summary>LLaMA-Adapter, in PEFT's names.</summary>
public sealed record LlamaAdapterBody
{
    /// <summary>Trained tokens a layer; 10 unless given.</summary>
    public int? AdapterLen { get; init; }

    /// <summary>Layers that have them, counted from the last; all but the first two unless given.</summary>
    public int? AdapterLayers { get; init; }
}
