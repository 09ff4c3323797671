namespace FineTuneService.Engine.Training.Methods;

/// <summary>
/// DPO under other divergences than the reverse Kullback-Leibler one, https://arxiv.org/abs/2309.16240: each log ratio u goes through f before the loss
/// reads it, by TRL's names (f_divergence_type).
/// </summary>
internal static class Divergences
{
    private static readonly Dictionary<string, Func<double, (double Value, double Slope)>> All = new()
    {
        [DpoConfig.ReverseKl] = u => (u, 1),
        ["forward_kl"] = u => (-Math.Exp(-u), Math.Exp(-u)),
        ["js_divergence"] = u => (PreferenceLosses.LogSigmoid(u), PreferenceLosses.Sigmoid(-u)),
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <summary>A loss of log ratios, of the scores that the divergence makes of them.</summary>
    public static PreferenceLoss Under(Func<Preference, DpoConfig, PreferenceLoss> loss, Preference pair, DpoConfig dpo)
    {
        Func<double, (double Value, double Slope)> f = All[dpo.Divergence];
        (double chosen, double byChosen) = f(pair.Chosen);
        (double rejected, double byRejected) = f(pair.Rejected);
        PreferenceLoss made = loss(pair with { PolicyChosen = chosen, PolicyRejected = rejected, ReferenceChosen = 0, ReferenceRejected = 0 }, dpo);
        return made with { ByChosen = made.ByChosen * byChosen, ByRejected = made.ByRejected * byRejected };
    }
}
