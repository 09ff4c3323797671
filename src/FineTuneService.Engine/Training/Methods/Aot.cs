namespace FineTuneService.Engine.Training.Methods;

/// <summary>
/// Alignment by optimal transport, https://arxiv.org/abs/2406.05882: not each pair, but the distribution over a micro batch is to be better. Both
/// sides are sorted, and the i-th of one is compared with the i-th of the other.
/// </summary>
internal static class Aot
{
    /// <summary>The policy's preference for the better answers against the reference's.</summary>
    public static PreferenceLoss[] Paired(IReadOnlyList<Preference> pairs, DpoConfig dpo)
    {
        int[] policy = Sorted(pairs, pair => pair.PolicyChosen - pair.PolicyRejected);
        int[] reference = Sorted(pairs, pair => pair.ReferenceChosen - pair.ReferenceRejected);
        var losses = new PreferenceLoss[pairs.Count];
        for (int i = 0; i < losses.Length; i++)
        {
            Preference own = pairs[policy[i]], other = pairs[reference[i]];
            (double value, double slope) = Loss(own.PolicyChosen - own.PolicyRejected - (other.ReferenceChosen - other.ReferenceRejected), dpo);
            losses[policy[i]] = new(value, slope, -slope);
        }
        return losses;
    }

    /// <summary>The better answers' log ratios against the worse ones'.</summary>
    public static PreferenceLoss[] Unpaired(IReadOnlyList<Preference> pairs, DpoConfig dpo)
    {
        int[] chosen = Sorted(pairs, pair => pair.Chosen), rejected = Sorted(pairs, pair => pair.Rejected);
        var losses = new PreferenceLoss[pairs.Count];
        for (int i = 0; i < losses.Length; i++)
        {
            (double value, double slope) = Loss(pairs[chosen[i]].Chosen - pairs[rejected[i]].Rejected, dpo);
            losses[chosen[i]] = losses[chosen[i]] with { Value = value, ByChosen = slope };
            losses[rejected[i]] = losses[rejected[i]] with { ByRejected = -slope };
        }
        return losses;
    }

    private static (double Value, double Slope) Loss(double difference, DpoConfig dpo)
    {
        double d = dpo.Beta * difference, smoothing = dpo.LabelSmoothing;
        return (-(1 - smoothing) * PreferenceLosses.LogSigmoid(d) - smoothing * PreferenceLosses.LogSigmoid(-d), dpo.Beta * (PreferenceLosses.Sigmoid(d) - (1 - smoothing)));
    }

    /// <summary>Indices, from the smallest score to the largest.</summary>
    private static int[] Sorted(IReadOnlyList<Preference> pairs, Func<Preference, double> score) => [.. Enumerable.Range(0, pairs.Count).OrderBy(i => score(pairs[i]))];
}
