namespace FineTuneService.Engine.Training.Methods;

/// <summary>
/// Kahneman-Tversky optimization, https://arxiv.org/abs/2402.01306, as TRL's KTOTrainer has it: a good answer gains over a reference point, a bad one
/// loses, each by itself. The mean is over all answers, so a pair of one good and one bad counts half of both.
/// </summary>
/// <param name="Desirable">Weight of good answers.</param>
/// <param name="Undesirable">Weight of bad ones.</param>
/// <param name="Divergence">The reference point: mean log ratio of answers to other prompts, at least 0; no gradient goes through it.</param>
internal sealed record Kto(double Beta, double Desirable = 1, double Undesirable = 1, double Divergence = 0)
{
    /// <summary>Of the pair's chosen answer as a good one, and its rejected answer as a bad one.</summary>
    public PreferenceLoss Of(Preference pair)
    {
        double point = Math.Max(0, Divergence);
        double good = PreferenceLosses.Sigmoid(Beta * (pair.Chosen - point)), bad = PreferenceLosses.Sigmoid(Beta * (point - pair.Rejected));
        return new(
            (Desirable * (1 - good) + Undesirable * (1 - bad)) / 2,
            -Desirable * Beta * good * (1 - good) / 2, Undesirable * Beta * bad * (1 - bad) / 2);
    }
}
