namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>chrF and chrF++ (https://aclanthology.org/W15-3049, W17-4770) as sacrebleu computes them: F2 of runs of 1 to 6 characters, for
/// chrF++ also of 1 and 2 words. 0 to 100.</summary>
public static class Chrf
{
    private const int CharacterOrders = 6;
    private const double BetaSquared = 4;

    /// <param name="wordOrder">0: chrF; 2: chrF++.</param>
    public static double OfSentence(string hypothesis, IReadOnlyList<string> references, int wordOrder = 0) => Score(Best(hypothesis, references, wordOrder));

    /// <summary>Counts of all sentences together, each with its best reference.</summary>
    public static double OfCorpus(IEnumerable<(string Hypothesis, IReadOnlyList<string> References)> sentences, int wordOrder = 0)
    {
        var sums = new Counts[CharacterOrders + wordOrder];
        foreach ((string hypothesis, IReadOnlyList<string> references) in sentences)
        {
            Counts[] best = Best(hypothesis, references, wordOrder);
            for (int i = 0; i < sums.Length; i++) sums[i] = new(sums[i].Hypothesis + best[i].Hypothesis, sums[i].Reference + best[i].Reference, sums[i].Common + best[i].Common);
        }
        return Score(sums);
    }

    private static Counts[] Best(string hypothesis, IReadOnlyList<string> references, int wordOrder) =>
        references.Select(reference => Count(hypothesis, reference, wordOrder)).MaxBy(Score)!;

    private static Counts[] Count(string hypothesis, string reference, int wordOrder)
    {
        string[] a = Characters(hypothesis), b = Characters(reference), wordsOfA = Words(hypothesis), wordsOfB = Words(reference);
        return [.. Enumerable.Range(1, CharacterOrders).Select(n => Common(a, b, n)), .. Enumerable.Range(1, wordOrder).Select(n => Common(wordsOfA, wordsOfB, n))];
    }

    private static Counts Common(string[] hypothesis, string[] reference, int n)
    {
        int of = Math.Max(0, hypothesis.Length - n + 1), over = Math.Max(0, reference.Length - n + 1);
        // What the reference has no run of is not held against the hypothesis.
        return new(over > 0 ? of : 0, over, NGrams.Common(NGrams.Count(hypothesis, n), NGrams.Count(reference, n)));
    }

    private static double Score(IReadOnlyList<Counts> orders)
    {
        Counts[] both = [.. orders.Where(order => order.Hypothesis > 0 && order.Reference > 0)];
        if (both.Length == 0) return 0;
        double precision = both.Average(order => (double)order.Common / order.Hypothesis), recall = both.Average(order => (double)order.Common / order.Reference);
        return precision + recall == 0 ? 0 : 100 * (1 + BetaSquared) * precision * recall / (BetaSquared * precision + recall);
    }

    private static string[] Characters(string text) => [.. PythonText.Words(text).SelectMany(PythonText.Characters)];

    /// <summary>Words, a punctuation sign at an end being one of its own.</summary>
    private static string[] Words(string text)
    {
        var words = new List<string>();
        foreach (string word in PythonText.Words(text))
        {
            if (word.EnumerateRunes().Skip(1).Any() && PythonText.Punctuation.Contains(word[^1])) words.AddRange([word[..^1], word[^1..]]);
            else if (word.EnumerateRunes().Skip(1).Any() && PythonText.Punctuation.Contains(word[0])) words.AddRange([word[..1], word[1..]]);
            else words.Add(word);
        }
        return [.. words];
    }

    private readonly record struct Counts(int Hypothesis, int Reference, int Common);
}
