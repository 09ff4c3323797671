using System.Text;
using FineTuneService.Engine.Evaluation.Metrics;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A whole text, every token of it.</summary>
/// <param name="Window">Tokens of a window; null: what the model reads.</param>
public sealed record RollingItem(string Text, int? Window = null) : ScoredItem
{
    public override IReadOnlyList<ScoredText> Texts(TextPairs pairs) => pairs.Rolling(Text, Window);

    /// <returns>loglikelihood, and the tokens, words and bytes that it is of.</returns>
    public override IReadOnlyDictionary<string, double> Measure(IReadOnlyList<TextScore> scores) => new Dictionary<string, double>
    {
        ["loglikelihood"] = scores.Sum(score => score.LogLikelihood),
        ["tokens"] = scores.Sum(score => score.Tokens),
        ["words"] = Words(),
        ["bytes"] = Encoding.UTF8.GetByteCount(Text),
    };

    /// <summary>As many as Python's re.split(r"\s+") gives: one more than there are runs of white space.</summary>
    private int Words() => 1 + Text.Where((c, i) => PythonText.IsSpace(c) && (i == 0 || !PythonText.IsSpace(Text[i - 1]))).Count();
}
