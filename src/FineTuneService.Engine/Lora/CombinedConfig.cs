using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Lora;

/// <summary>The config of an adapter on given modules, each of its own rank, with a scaling of 1.</summary>
internal static class CombinedConfig
{
    /// <param name="ranks">By module.</param>
    public static LoraConfig Of(ModelSlots model, IReadOnlyDictionary<string, int> ranks)
    {
        int usual = ranks.Values.GroupBy(rank => rank).OrderByDescending(group => group.Count()).ThenBy(group => group.Key).First().Key;
        KeyValuePair<string, int>[] others = [.. ranks.Where(entry => entry.Value != usual)];
        LoraConfig config = new()
        {
            Rank = usual,
            Alpha = usual,
            RankPattern = new OrderedDictionary<string, int>(others),
            AlphaPattern = new OrderedDictionary<string, double>(others.Select(entry => KeyValuePair.Create(entry.Key, (double)entry.Value))),
            TargetModules = [.. ranks.Keys.Select(module => module[(module.LastIndexOf('.') + 1)..]).Distinct()],
        };
        // Their short names, unless those name more than them.
        return LowRank.RanksOf(LoraLayout.OfMatching(model, config)).Select(entry => entry.Module).ToHashSet().SetEquals(ranks.Keys) ? config : config with { TargetModules = [.. ranks.Keys] };
    }
}
