namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>Precision, recall and their harmonic mean, 0 to 1.</summary>
public readonly record struct RougeScore(double Precision, double Recall)
{
    public double F => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : 0;

    internal static RougeScore Of(int common, int hypothesis, int reference) =>
        new((double)common / Math.Max(1, hypothesis), (double)common / Math.Max(1, reference));
}

/// <summary>ROUGE (https://aclanthology.org/W04-1013) as Google's rouge_score computes it: words are runs of a–z and 0–9.</summary>
/// <param name="stem">Compare the stems of words longer than three letters.</param>
public sealed class Rouge(bool stem = false)
{
    /// <summary>ROUGE-n: runs of n words.</summary>
    public RougeScore Runs(string hypothesis, IReadOnlyList<string> references, int n) => Best(references, reference =>
    {
        List<string> a = Words(reference), b = Words(hypothesis);
        return RougeScore.Of(NGrams.Common(NGrams.Count(a, n), NGrams.Count(b, n)), Math.Max(0, b.Count - n + 1), Math.Max(0, a.Count - n + 1));
    });

    /// <summary>ROUGE-L: the longest common subsequence.</summary>
    public RougeScore Longest(string hypothesis, IReadOnlyList<string> references) => Best(references, reference =>
    {
        List<string> a = Words(reference), b = Words(hypothesis);
        return a.Count == 0 || b.Count == 0 ? default : RougeScore.Of(LongestCommonSubsequence.Positions(a, b).Count, b.Count, a.Count);
    });

    /// <summary>ROUGE-Lsum: the union of each reference line's common subsequences with every line of the hypothesis.</summary>
    public RougeScore LongestByLine(string hypothesis, IReadOnlyList<string> references) => Best(references, reference =>
    {
        List<string>[] ours = Lines(reference), theirs = Lines(hypothesis);
        if (ours.Length == 0 || theirs.Length == 0) return default;
        Dictionary<string, int> left = NGrams.Count([.. ours.SelectMany(line => line)], 1), leftOfTheirs = NGrams.Count([.. theirs.SelectMany(line => line)], 1);
        int common = 0;
        foreach (List<string> line in ours)
        {
            foreach (string word in theirs.SelectMany(their => LongestCommonSubsequence.Positions(line, their)).Distinct().Order().Select(at => line[at]))
            {
                // A word counts as often as both have it.
                if (left.GetValueOrDefault(word) == 0 || leftOfTheirs.GetValueOrDefault(word) == 0) continue;
                (left[word], leftOfTheirs[word], common) = (left[word] - 1, leftOfTheirs[word] - 1, common + 1);
            }
        }
        return RougeScore.Of(common, theirs.Sum(line => line.Count), ours.Sum(line => line.Count));
    });

    private static RougeScore Best(IReadOnlyList<string> references, Func<string, RougeScore> score) => references.Select(score).MaxBy(one => one.F);

    private List<string>[] Lines(string text) => [.. text.Split('\n').Where(line => line.Length > 0).Select(Words)];

    private List<string> Words(string text)
    {
        var words = new List<string>();
        string lower = text.ToLowerInvariant();
        for (int start = 0; start < lower.Length; start++)
        {
            int end = start;
            while (end < lower.Length && char.IsAsciiLetterOrDigit(lower[end])) end++;
            if (end > start) words.Add(stem && end - start > 3 ? PorterStemmer.Stem(lower[start..end]) : lower[start..end]);
            start = end;
        }
        return words;
    }
}
