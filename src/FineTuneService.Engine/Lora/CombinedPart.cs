using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>An adapter that goes into a combination, known by its files' heads alone.</summary>
/// <param name="Ranks">Of each of its modules.</param>
internal sealed record CombinedPart(WeightedAdapter Adapter, LoraConfig Config, IReadOnlyList<(string Module, int Rank)> Ranks)
{
    /// <exception cref="AdapterException">It does not fit the base, or holds what cannot be added; the message names both.</exception>
    public static CombinedPart Of(WeightedAdapter adapter, ModelSlots model)
    {
        try
        {
            (LoraConfig config, LoraLayout layout) = PeftFolder.Shape(adapter.Folder, model);
            if (Unfit(config) is { } option) throw new AdapterException($"{option} cannot be combined; low-rank matrices alone can.");
            return new CombinedPart(adapter, config, [.. LowRank.RanksOf(layout)]);
        }
        catch (AdapterException unfit)
        {
            throw new AdapterException($"{adapter.Name}: {unfit.Message}");
        }
    }

    /// <summary>What is no sum: magnitudes and directions, copies of the base's own parameters, and what was taken off another base.</summary>
    private static string? Unfit(LoraConfig config) => config switch
    {
        { Prompt: not null } => "a LLaMA-Adapter",
        { UseDora: true } => "use_dora",
        { Bias: not LoraBias.None } => "bias",
        { BiasOfB: true } => "lora_bias",
        { TargetParameters.Count: > 0 } => "target_parameters",
        { ModulesToSave.Count: > 0 } => "modules_to_save",
        { TrainableTokenIndices.Count: > 0 } => "trainable_token_indices",
        { EnsureWeightTying: true } => "ensure_weight_tying",
        _ => Initialisation.Of(config.Initialisation).ChangesBase ? $"init_lora_weights {config.Initialisation} (as PEFT saves it unless it is converted)" : null,
    };
}
