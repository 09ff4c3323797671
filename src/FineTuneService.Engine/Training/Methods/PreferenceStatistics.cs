namespace FineTuneService.Engine.Training.Methods;

/// <summary>What a step of preference training saw, each a mean over its pairs. A reward is beta times the log of how much likelier an
/// answer is than under the reference.</summary>
/// <param name="Accuracy">Share of pairs whose better answer has the higher reward.</param>
/// <param name="LogChosen">Log-probability of the better answer.</param>
public sealed record PreferenceStatistics(double RewardChosen, double RewardRejected, double Accuracy, double LogChosen, double LogRejected)
{
    public double Margin => RewardChosen - RewardRejected;
}

/// <summary>The same as sums over pairs.</summary>
internal readonly record struct PreferenceSums(int Pairs, double RewardChosen, double RewardRejected, int Right, double LogChosen, double LogRejected)
{
    public static PreferenceSums Of(Preference pair, double beta) => new(
        1, beta * pair.Chosen, beta * pair.Rejected, pair.Chosen > pair.Rejected ? 1 : 0, pair.PolicyChosen, pair.PolicyRejected);

    /// <summary>Null where there was no pair.</summary>
    public PreferenceStatistics? Means => Pairs == 0 ? null : new(
        RewardChosen / Pairs, RewardRejected / Pairs, (double)Right / Pairs, LogChosen / Pairs, LogRejected / Pairs);

    public static PreferenceSums operator +(PreferenceSums a, PreferenceSums b) => new(
        a.Pairs + b.Pairs, a.RewardChosen + b.RewardChosen, a.RewardRejected + b.RewardRejected, a.Right + b.Right,
        a.LogChosen + b.LogChosen, a.LogRejected + b.LogRejected);
}
