using FineTuneService.Engine.Evaluation.Metrics;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>Multiple choice: the likeliest choice is the model's answer.</summary>
/// <param name="Delimiter">Between context and choice; scored, but not counted among a choice's characters.</param>
/// <param name="Gold">The right choice's place.</param>
public sealed record ChoiceItem(string Context, string Delimiter, IReadOnlyList<string> Choices, int Gold) : ScoredItem
{
    public override IReadOnlyList<ScoredText> Texts(TextPairs pairs) => [.. Choices.Select(choice => pairs.Pair(Context, Delimiter + choice))];

    /// <returns>acc, and acc_norm: the likeliest by character.</returns>
    public override IReadOnlyDictionary<string, double> Measure(IReadOnlyList<TextScore> scores) => new Dictionary<string, double>
    {
        ["acc"] = Chosen(scores) == Gold ? 1 : 0,
        ["acc_norm"] = ChosenByCharacter(scores) == Gold ? 1 : 0,
    };

    /// <summary>The first of the likeliest.</summary>
    internal static int Chosen(IReadOnlyList<TextScore> scores) => Highest([.. scores.Select(score => score.LogLikelihood)]);

    internal int ChosenByCharacter(IReadOnlyList<TextScore> scores) =>
        Highest([.. scores.Select((score, i) => score.LogLikelihood / PythonText.Characters(Choices[i]).Count())]);

    private static int Highest(double[] values) => Array.IndexOf(values, values.Max());
}
