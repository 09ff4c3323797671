namespace FineTuneService.Engine.Training.Methods;

/// <summary>A pair's log-probabilities: sums over the answers' tokens.</summary>
/// <param name="ChosenLength">Tokens of the better answer.</param>
internal readonly record struct Preference(
    double PolicyChosen, double PolicyRejected, double ReferenceChosen, double ReferenceRejected, int ChosenLength, int RejectedLength)
{
    /// <summary>Log of how much likelier the better answer is than it was.</summary>
    public double Chosen => PolicyChosen - ReferenceChosen;

    public double Rejected => PolicyRejected - ReferenceRejected;
}

/// <summary>A pair's loss, and its derivatives by the policy's two log-probabilities.</summary>
internal readonly record struct PreferenceLoss(double Value, double ByChosen, double ByRejected);

/// <summary>Losses of TRL's DPOTrainer, CPOTrainer and ORPOTrainer, by their names; each a function of pairs' log-probabilities.</summary>
public static class PreferenceLosses
{
    /// <summary>Losses of each pair alone.</summary>
    private static readonly Dictionary<string, Func<Preference, DpoConfig, PreferenceLoss>> OfOne = new()
    {
        ["sigmoid"] = (pair, dpo) => OfMargin(pair, dpo, d => (
            -(1 - dpo.LabelSmoothing) * LogSigmoid(d) - dpo.LabelSmoothing * LogSigmoid(-d), Sigmoid(d) - (1 - dpo.LabelSmoothing))),
        ["hinge"] = (pair, dpo) => OfMargin(pair, dpo, d => (Math.Max(0, 1 - d), d < 1 ? -1 : 0)),
        ["ipo"] = Ipo,
        ["robust"] = (pair, dpo) => OfMargin(pair, dpo, d => (
            (-(1 - dpo.LabelSmoothing) * LogSigmoid(d) + dpo.LabelSmoothing * LogSigmoid(-d)) / (1 - 2 * dpo.LabelSmoothing),
            (-(1 - dpo.LabelSmoothing) * Sigmoid(-d) - dpo.LabelSmoothing * Sigmoid(d)) / (1 - 2 * dpo.LabelSmoothing))),
        ["exo_pair"] = (pair, dpo) => OfMargin(pair, dpo, d => ExoPair(d, dpo.LabelSmoothing)),
        ["discopop"] = (pair, dpo) => OfMargin(pair, dpo, Discopop),
        ["sigmoid_norm"] = SigmoidNorm,
        ["nca_pair"] = (pair, dpo) => OfBoth(pair, dpo,
            c => (-LogSigmoid(c) - 0.5 * LogSigmoid(-c), 0.5 * Sigmoid(c) - Sigmoid(-c)), r => (-0.5 * LogSigmoid(-r), 0.5 * Sigmoid(r))),
        ["bco_pair"] = (pair, dpo) => OfBoth(pair, dpo, c => (-LogSigmoid(c), -Sigmoid(-c)), r => (-LogSigmoid(-r), Sigmoid(r))),
        ["sppo_hard"] = SppoHard,
        ["apo_zero"] = (pair, dpo) => OfBoth(pair, dpo, c => (1 - Sigmoid(c), -Slope(c)), r => (Sigmoid(r), Slope(r))),
        ["apo_down"] = (pair, dpo) => Sum(
            OfBoth(pair, dpo, c => (Sigmoid(c), Slope(c)), _ => (0, 0)), OfMargin(pair, dpo, d => (1 - Sigmoid(d), -Slope(d)))),
        ["simpo"] = Simpo.Of,
        ["orpo"] = Orpo.Of,
    };

    /// <summary>Losses that mix a micro batch's pairs.</summary>
    private static readonly Dictionary<string, Func<IReadOnlyList<Preference>, DpoConfig, PreferenceLoss[]>> OfMany = new()
    {
        ["aot"] = Aot.Paired,
        ["aot_unpaired"] = Aot.Unpaired,
    };

    private static readonly string[] Smoothed = ["sigmoid", "robust", "exo_pair", "simpo", "aot", "aot_unpaired"], WithoutReference = ["simpo", "orpo"];

    public static IReadOnlyCollection<string> Names { get; } = [.. OfOne.Keys, .. OfMany.Keys];

    /// <summary>Whether the loss compares with the base. Where it does not, a reward is beta times the log-probability itself, as in TRL.</summary>
    internal static bool NeedsReference(DpoConfig dpo) => !WithoutReference.Contains(dpo.Loss);

    /// <exception cref="ArgumentException">There is no such loss, or its numbers are out of range.</exception>
    public static void Require(DpoConfig dpo)
    {
        if (dpo.Loss == "kto") throw new ArgumentException("kto learns from single answers; on pairs, apo_zero is the same with a divergence of 0");
        if (!Names.Contains(dpo.Loss)) throw new ArgumentException($"there is no preference loss '{dpo.Loss}'; use one of {string.Join(", ", Names)}");
        if (!(dpo.Beta > 0)) throw new ArgumentException($"beta {dpo.Beta} is not above 0");
        if (!(dpo.LabelSmoothing is >= 0 and < 0.5)) throw new ArgumentException($"label smoothing {dpo.LabelSmoothing} is not in 0…0.5");
        if (dpo is { Loss: "exo_pair", LabelSmoothing: 0 }) throw new ArgumentException("exo_pair needs label smoothing above 0");
        if (dpo.LabelSmoothing > 0 && !Smoothed.Contains(dpo.Loss))
            throw new ArgumentException($"label smoothing has no meaning in {dpo.Loss}; {string.Join(", ", Smoothed)} have it");
        if (!Divergences.Names.Contains(dpo.Divergence))
            throw new ArgumentException($"there is no divergence '{dpo.Divergence}'; use {string.Join(", ", Divergences.Names)}");
        if (dpo.Divergence != DpoConfig.ReverseKl && (OfMany.ContainsKey(dpo.Loss) || !NeedsReference(dpo)))
            throw new ArgumentException($"{dpo.Loss} has no divergence to choose; leave it {DpoConfig.ReverseKl}");
        if (!(dpo.Gamma is >= 0 and <= 100)) throw new ArgumentException($"simpo's gamma {dpo.Gamma} is not in 0…100");
    }

    /// <summary>The losses of a micro batch's pairs, whose mean is the batch's, and their derivatives.</summary>
    internal static PreferenceLoss[] Of(IReadOnlyList<Preference> pairs, DpoConfig dpo)
    {
        if (OfMany.TryGetValue(dpo.Loss, out Func<IReadOnlyList<Preference>, DpoConfig, PreferenceLoss[]>? together)) return together(pairs, dpo);
        Func<Preference, DpoConfig, PreferenceLoss> loss = OfOne[dpo.Loss];
        return dpo.Divergence == DpoConfig.ReverseKl ? [.. pairs.Select(pair => loss(pair, dpo))] : [.. pairs.Select(pair => Divergences.Under(loss, pair, dpo))];
    }

    private static PreferenceLoss Ipo(Preference pair, DpoConfig dpo)
    {
        double difference = pair.Chosen / pair.ChosenLength - pair.Rejected / pair.RejectedLength - 1 / (2 * dpo.Beta);
        return new(difference * difference, 2 * difference / pair.ChosenLength, -2 * difference / pair.RejectedLength);
    }

    private static PreferenceLoss SigmoidNorm(Preference pair, DpoConfig dpo)
    {
        double d = dpo.Beta * (pair.Chosen / pair.ChosenLength - pair.Rejected / pair.RejectedLength), slope = -dpo.Beta * Sigmoid(-d);
        return new(-LogSigmoid(d), slope / pair.ChosenLength, -slope / pair.RejectedLength);
    }

    private static PreferenceLoss SppoHard(Preference pair, DpoConfig dpo)
    {
        double c = pair.Chosen - 0.5 / dpo.Beta, r = pair.Rejected + 0.5 / dpo.Beta;
        return new(c * c + r * r, 2 * c, 2 * r);
    }

    private static (double, double) ExoPair(double d, double smoothing)
    {
        double chosen = LogSigmoid(d) - Math.Log(1 - smoothing), rejected = LogSigmoid(-d) - Math.Log(smoothing);
        return (Sigmoid(d) * chosen + Sigmoid(-d) * rejected, Slope(d) * (chosen - rejected));
    }

    private static (double, double) Discopop(double d)
    {
        double mix = Sigmoid(d / 0.05), slope = Slope(d / 0.05) / 0.05, e = Math.Exp(-d);
        return (-LogSigmoid(d) * (1 - mix) + e * mix, -Sigmoid(-d) * (1 - mix) + LogSigmoid(d) * slope - e * mix + e * slope);
    }

    /// <summary>A loss of beta times the difference of the log ratios.</summary>
    private static PreferenceLoss OfMargin(Preference pair, DpoConfig dpo, Func<double, (double Value, double Slope)> loss)
    {
        (double value, double slope) = loss(dpo.Beta * (pair.Chosen - pair.Rejected));
        return new(value, dpo.Beta * slope, -dpo.Beta * slope);
    }

    /// <summary>A loss of beta times each log ratio.</summary>
    private static PreferenceLoss OfBoth(
        Preference pair, DpoConfig dpo, Func<double, (double Value, double Slope)> chosen, Func<double, (double Value, double Slope)> rejected)
    {
        (double better, double byChosen) = chosen(dpo.Beta * pair.Chosen);
        (double worse, double byRejected) = rejected(dpo.Beta * pair.Rejected);
        return new(better + worse, dpo.Beta * byChosen, dpo.Beta * byRejected);
    }

    private static PreferenceLoss Sum(PreferenceLoss a, PreferenceLoss b) => new(a.Value + b.Value, a.ByChosen + b.ByChosen, a.ByRejected + b.ByRejected);

    internal static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Slope(double x) => Sigmoid(x) * Sigmoid(-x);

    internal static double LogSigmoid(double x) => Math.Min(x, 0) - Math.Log(1 + Math.Exp(-Math.Abs(x)));
}
