namespace FineTuneService.Engine.Training.Methods;

/// <summary>
/// Odds ratio preference optimization, https://arxiv.org/abs/2403.07691: the better answer's mean cross-entropy, and a penalty that falls as its odds rise
/// over the worse one's; no reference.
/// </summary>
internal static class Orpo
{
    /// <summary>A mean log-probability of 0 has infinite odds.</summary>
    private const double Likeliest = -1e-12;

    public static PreferenceLoss Of(Preference pair, DpoConfig dpo)
    {
        PreferenceLoss odds = OddsRatio(pair, dpo.Beta);
        return odds with { Value = odds.Value - pair.PolicyChosen / pair.ChosenLength, ByChosen = odds.ByChosen - 1.0 / pair.ChosenLength };
    }

    /// <summary>The penalty alone: TRL's ORPOTrainer.odds_ratio_loss, of mean log-probabilities.</summary>
    public static PreferenceLoss OddsRatio(Preference pair, double beta)
    {
        double chosen = Math.Min(pair.PolicyChosen / pair.ChosenLength, Likeliest), rejected = Math.Min(pair.PolicyRejected / pair.RejectedLength, Likeliest);
        double d = LogOdds(chosen) - LogOdds(rejected), slope = -beta * PreferenceLosses.Sigmoid(-d);
        // The derivative of the log odds by the log-probability is 1 / (1 - p).
        return new(
            -beta * PreferenceLosses.LogSigmoid(d), slope / (-Expm1(chosen) * pair.ChosenLength), -slope / (-Expm1(rejected) * pair.RejectedLength));
    }

    private static double LogOdds(double logProbability) => logProbability - Math.Log(-Expm1(logProbability));

    /// <summary>e^x - 1; by its series where the difference would be lost.</summary>
    private static double Expm1(double x) => Math.Abs(x) < 1e-5 ? x + x * x / 2 + x * x * x / 6 : Math.Exp(x) - 1;
}
