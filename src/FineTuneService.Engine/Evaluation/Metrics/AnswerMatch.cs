namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>SQuAD's comparison of short answers (https://rajpurkar.github.io/SQuAD-explorer): without case, ASCII punctuation and articles.</summary>
public static class AnswerMatch
{
    /// <summary>1 where the answer is one of the references, else 0.</summary>
    public static double Exact(string answer, IReadOnlyList<string> references) => references.Any(reference => Normalize(reference) == Normalize(answer)) ? 1 : 0;

    /// <summary>The best reference's F1 over words.</summary>
    /// <param name="emptyIsRight">SQuAD 2.0: two empty answers are equal; in 1.1 they score 0.</param>
    public static double F1(string answer, IReadOnlyList<string> references, bool emptyIsRight = false) =>
        references.Max(reference => F1(PythonText.Words(Normalize(answer)), PythonText.Words(Normalize(reference)), emptyIsRight));

    /// <summary>Lower case, no ASCII punctuation, no articles, single spaces.</summary>
    public static string Normalize(string text)
    {
        string bare = string.Concat(text.ToLowerInvariant().Where(c => !PythonText.Punctuation.Contains(c)));
        return string.Join(' ', PythonText.Words(WithoutArticles(bare)));
    }

    private static double F1(string[] answer, string[] reference, bool emptyIsRight)
    {
        if (emptyIsRight && (answer.Length == 0 || reference.Length == 0)) return answer.Length == reference.Length ? 1 : 0;
        int common = NGrams.Common(NGrams.Count(answer, 1), NGrams.Count(reference, 1));
        return common == 0 ? 0 : new RougeScore((double)common / answer.Length, (double)common / reference.Length).F;
    }

    private static string WithoutArticles(string text) => System.Text.RegularExpressions.Regex.Replace(text, @"\b(a|an|the)\b", " ");
}
