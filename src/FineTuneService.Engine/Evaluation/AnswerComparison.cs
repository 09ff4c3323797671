using FineTuneService.Engine.Evaluation.Metrics;
using FineTuneService.Engine.Evaluation.Tasks;

namespace FineTuneService.Engine.Evaluation;

/// <summary>Answers in free text against their references, by the field's metrics.</summary>
public static class AnswerComparison
{
    /// <returns>exact_match, f1 and rouge1, rouge2, rougeL (F) as means, 0 to 1, with standard errors; bleu and chrf of the corpus, 0 to 100.</returns>
    /// <param name="answers">At least one.</param>
    public static IReadOnlyList<TaskMetric> Of(IReadOnlyList<(string Answer, string Reference)> answers)
    {
        var rouge = new Rouge(stem: true);
        (string Hypothesis, IReadOnlyList<string> References)[] pairs = [.. answers.Select(pair => (pair.Answer.Trim(), (IReadOnlyList<string>)[pair.Reference]))];
        return
        [
            Mean("exact_match", pairs, AnswerMatch.Exact),
            Mean("f1", pairs, (answer, references) => AnswerMatch.F1(answer, references)),
            new TaskMetric("bleu", Bleu.OfCorpus(pairs).Score, null),
            new TaskMetric("chrf", Chrf.OfCorpus(pairs), null),
            Mean("rouge1", pairs, (answer, references) => rouge.Runs(answer, references, 1).F),
            Mean("rouge2", pairs, (answer, references) => rouge.Runs(answer, references, 2).F),
            Mean("rougeL", pairs, (answer, references) => rouge.Longest(answer, references).F),
        ];
    }

    private static TaskMetric Mean(string name, IEnumerable<(string, IReadOnlyList<string>)> pairs, Func<string, IReadOnlyList<string>, double> score)
    {
        double[] values = [.. pairs.Select(pair => score(pair.Item1, pair.Item2))];
        return new TaskMetric(name, values.Average(), Spread.OfMean(values));
    }
}
