using FineTuneService.Engine.Lora.Initialisations;

namespace FineTuneService.Engine.Lora;

/// <summary>What a config may ask for, whether it was written by a job or read from PEFT's file.</summary>
internal static class LoraRules
{
    private const int MostNames = 10_000;

    /// <exception cref="LoraOptionException">The message names the option, in PEFT's terms, and says what it may be.</exception>
    public static void Require(LoraConfig config)
    {
        RequireRank("r", "rank", config.Rank);
        RequireAlpha("lora_alpha", "alpha", config.Alpha);
        if (config.Dropout is not (>= 0 and < 1)) throw new LoraOptionException("lora_dropout", $"dropout {config.Dropout} is not at least 0 and below 1");
        foreach ((string key, int rank) in config.RankPattern) RequireRank("rank_pattern", $"rank_pattern's {Short(key)}", rank);
        foreach ((string key, double alpha) in config.AlphaPattern) RequireAlpha("alpha_pattern", $"alpha_pattern's {Short(key)}", alpha);
        if (Initialisation.Of(config.Initialisation).ChangesBase && config.RankPattern.Values.Append(config.Rank).Max() is var largest and > LoraConfig.LargestRank / 2)
        {
            throw new LoraOptionException(config.Rank == largest ? "r" : "rank_pattern",
                $"rank {largest} is above {LoraConfig.LargestRank / 2}, the most with init_lora_weights {config.Initialisation}, whose adapter is saved with twice its rank");
        }
        if (config.LayersPattern.Count > 0 && config.LayersToTransform.Count == 0)
            throw new LoraOptionException("layers_pattern", "layers_pattern is given without layers_to_transform; name the layers too");
        if (config.LayersToTransform.Count > 0 && config.TargetPattern is not null)
            throw new LoraOptionException("layers_to_transform", "layers_to_transform does not go with target_modules as a regular expression; write the layers into it");
        if (config.LayersToTransform.Any(layer => layer < 0)) throw new LoraOptionException("layers_to_transform", "layers_to_transform has a number below 0");
        if (config.TargetParameters.Count > 0 && NotOnParameters(config) is { } option)
            throw new LoraOptionException("target_parameters", $"target_parameters does not go with {option}, as in PEFT; leave one out");
        if (config.UseDora && config.BiasOfB) throw new LoraOptionException("lora_bias", "lora_bias does not go with use_dora; leave one out");
        if (config.TrainableTokenIndices.Values.Any(tokens => tokens.Count == 0 || tokens.Distinct().Count() != tokens.Count || tokens.Any(token => token < 0)))
            throw new LoraOptionException("trainable_token_indices", "trainable_token_indices must be ids of 0 or more, each once");
        RequireFew("target_modules", config.TargetModules.Count);
        RequireFew("target_parameters", config.TargetParameters.Count);
        RequireFew("exclude_modules", config.ExcludeModules.Count);
        RequireFew("modules_to_save", config.ModulesToSave.Count);
        RequireFew("layers_to_transform", config.LayersToTransform.Count);
        RequireFew("layers_pattern", config.LayersPattern.Count);
        RequireFew("rank_pattern", config.RankPattern.Count);
        RequireFew("alpha_pattern", config.AlphaPattern.Count);
        RequireFew("trainable_token_indices", config.TrainableTokenIndices.Values.Sum(tokens => tokens.Count));
    }

    private static string? NotOnParameters(LoraConfig config) =>
        config.UseDora ? "use_dora" : config.BiasOfB ? "lora_bias" : config.Dropout > 0 ? "lora_dropout" : config.Initialisation is "default" or "gaussian" ? null : $"init_lora_weights {config.Initialisation}";

    private static void RequireRank(string option, string what, int rank)
    {
        if (rank is < 1 or > LoraConfig.LargestRank) throw new LoraOptionException(option, $"{what} {rank} is not in 1…{LoraConfig.LargestRank}");
    }

    private static void RequireAlpha(string option, string what, double alpha)
    {
        if (alpha is not (> 0 and <= LoraConfig.LargestAlpha)) throw new LoraOptionException(option, $"{what} {alpha} is not above 0 and at most {LoraConfig.LargestAlpha:0}; twice the rank is usual");
    }

    private static void RequireFew(string option, int entries)
    {
        if (entries > MostNames) throw new LoraOptionException(option, $"{option} has {entries} entries; {MostNames} are the most");
    }

    private static string Short(string key) => key.Length > 40 ? key[..40] + "…" : key;
}
