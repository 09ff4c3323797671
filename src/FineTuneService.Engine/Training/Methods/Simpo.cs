namespace FineTuneService.Engine.Training.Methods;

/// <summary>Simple preference optimization, https://arxiv.org/abs/2405.14734: the better answer's mean log-probability is to lead by a margin; no reference.</summary>
internal static class Simpo
{
    public static PreferenceLoss Of(Preference pair, DpoConfig dpo)
    {
        double d = dpo.Beta * (pair.PolicyChosen / pair.ChosenLength - pair.PolicyRejected / pair.RejectedLength) - dpo.Gamma;
        double smoothing = dpo.LabelSmoothing, slope = dpo.Beta * (PreferenceLosses.Sigmoid(d) - (1 - smoothing));
        return new(
            -(1 - smoothing) * PreferenceLosses.LogSigmoid(d) - smoothing * PreferenceLosses.LogSigmoid(-d),
            slope / pair.ChosenLength, -slope / pair.RejectedLength);
    }
}
