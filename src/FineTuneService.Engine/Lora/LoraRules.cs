using FineTuneService.Engine.Lora.Initialisations;

namespace FineTuneService.Engine.Lora;

/// <summary>What a config may ask for, whether it was written by a job or read from PEFT's file.</summary>
internal static class LoraRules
{
    private const int MostNames = 10_000;

    /// <exception cref="ArgumentException">The message names the option, in PEFT's terms, and says what it may be.</exception>
    public static void Require(LoraConfig config)
    {
        RequireRank("rank", config.Rank);
        RequireAlpha("alpha", config.Alpha);
        if (config.Dropout is not (>= 0 and < 1)) throw new ArgumentException($"dropout {config.Dropout} is not in 0…1");
        foreach ((string key, int rank) in config.RankPattern) RequireRank($"rank_pattern's {key}", rank);
        foreach ((string key, double alpha) in config.AlphaPattern) RequireAlpha($"alpha_pattern's {key}", alpha);
        if (Initialisation.Of(config.Initialisation).ChangesBase && config.RankPattern.Values.Append(config.Rank).Max() is var largest and > LoraConfig.LargestRank / 2)
            throw new ArgumentException($"rank {largest} is above {LoraConfig.LargestRank / 2}, the most with init_lora_weights {config.Initialisation}, whose adapter is saved with twice its rank");
        if (config.LayersPattern.Count > 0 && config.LayersToTransform.Count == 0)
            throw new ArgumentException("layers_pattern is given without layers_to_transform; name the layers too");
        if (config.LayersToTransform.Count > 0 && config.TargetPattern is not null)
            throw new ArgumentException("layers_to_transform does not go with target_modules as a regular expression; write the layers into it");
        if (config.LayersToTransform.Any(layer => layer < 0)) throw new ArgumentException("layers_to_transform has a number below 0");
        if (config.UseDora && config.BiasOfB) throw new ArgumentException("lora_bias does not go with use_dora; leave one out");
        if (config.TrainableTokenIndices.Values.Any(tokens => tokens.Count == 0 || tokens.Distinct().Count() != tokens.Count || tokens.Any(token => token < 0)))
            throw new ArgumentException("trainable_token_indices must be ids of 0 or more, each once");
        int names = config.TargetModules.Count + config.ExcludeModules.Count + config.LayersToTransform.Count + config.LayersPattern.Count
            + config.ModulesToSave.Count + config.TrainableTokenIndices.Values.Sum(tokens => tokens.Count) + config.RankPattern.Count + config.AlphaPattern.Count;
        if (names > MostNames) throw new ArgumentException($"the adapter's options hold {names} names and patterns; {MostNames} are the most");
    }

    private static void RequireRank(string what, int rank)
    {
        if (rank is < 1 or > LoraConfig.LargestRank) throw new ArgumentException($"{what} {rank} is not in 1…{LoraConfig.LargestRank}");
    }

    private static void RequireAlpha(string what, double alpha)
    {
        if (alpha is not (> 0 and <= LoraConfig.LargestAlpha)) throw new ArgumentException($"{what} {alpha} is not above 0 and at most {LoraConfig.LargestAlpha:0}");
    }
}
