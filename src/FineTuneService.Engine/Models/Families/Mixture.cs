namespace FineTuneService.Engine.Models.Families;

/// <summary>What configs of mixtures of experts have in common.</summary>
internal static class Mixture
{
    public static ExpertTraits Traits(ConfigJson json, int count, int width, bool renormalise)
    {
        int active = json.Int("num_experts_per_tok", 1, 4096) ?? 2;
        return active <= count
            ? new ExpertTraits(count, active, width, renormalise) : throw json.Settings.Refuse($"num_experts_per_tok {active} is more than the {count} experts");
    }
}
