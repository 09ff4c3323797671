namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>BLEU (https://aclanthology.org/P02-1040) as sacrebleu computes it, with exponential smoothing.</summary>
/// <param name="Score">0 to 100.</param>
/// <param name="Counts">Runs of 1 to 4 words that a reference has too.</param>
/// <param name="Totals">Runs of 1 to 4 words.</param>
/// <param name="BrevityPenalty">1 where the hypotheses are as long as the references.</param>
/// <param name="HypothesisLength">Words.</param>
/// <param name="ReferenceLength">Words of the references that are closest in length.</param>
public sealed record Bleu(double Score, IReadOnlyList<int> Counts, IReadOnlyList<int> Totals, double BrevityPenalty, int HypothesisLength, int ReferenceLength)
{
    private const int Orders = 4;

    /// <summary>A sentence's: orders longer than the sentence do not count ("effective order").</summary>
    public static Bleu OfSentence(string hypothesis, IReadOnlyList<string> references, BleuTokenizer tokenizer = BleuTokenizer.Mteval13a, bool effectiveOrder = true) =>
        Of([(hypothesis, references)], tokenizer, effectiveOrder);

    /// <summary>A corpus's: counts of all its sentences together. One without any run of four words scores 0.</summary>
    public static Bleu OfCorpus(IEnumerable<(string Hypothesis, IReadOnlyList<string> References)> sentences, BleuTokenizer tokenizer = BleuTokenizer.Mteval13a) =>
        Of(sentences, tokenizer, effectiveOrder: false);

    private static Bleu Of(IEnumerable<(string Hypothesis, IReadOnlyList<string> References)> sentences, BleuTokenizer tokenizer, bool effectiveOrder)
    {
        int[] counts = new int[Orders], totals = new int[Orders];
        int hypothesisLength = 0, referenceLength = 0;
        foreach ((string hypothesis, IReadOnlyList<string> references) in sentences)
        {
            string[] words = BleuWords.Split(hypothesis, tokenizer);
            string[][] others = [.. references.Select(reference => BleuWords.Split(reference, tokenizer))];
            hypothesisLength += words.Length;
            // The closest in length, the shorter of two that are.
            referenceLength += others.Select(other => other.Length).OrderBy(length => Math.Abs(length - words.Length)).ThenBy(length => length).First();
            for (int n = 1; n <= Orders; n++)
            {
                var most = new Dictionary<string, int>(StringComparer.Ordinal);
                foreach (string[] other in others) NGrams.KeepMost(most, NGrams.Count(other, n));
                counts[n - 1] += NGrams.Common(NGrams.Count(words, n), most);
                totals[n - 1] += Math.Max(0, words.Length - n + 1);
            }
        }
        double penalty = hypothesisLength >= referenceLength ? 1 : hypothesisLength == 0 ? 0 : Math.Exp(1 - (double)referenceLength / hypothesisLength);
        return new Bleu(Score100(counts, totals, penalty, effectiveOrder), counts, totals, penalty, hypothesisLength, referenceLength);
    }

    private static double Score100(int[] counts, int[] totals, double penalty, bool effectiveOrder)
    {
        if (counts.All(count => count == 0)) return 0;
        double smoothing = 1, logarithms = 0;
        int orders = 0;
        for (; orders < Orders && totals[orders] > 0; orders++)
        {
            // An order without a match counts as half a match, the next one as a quarter, and so on.
            double matches = counts[orders] > 0 ? counts[orders] : 1 / (smoothing *= 2);
            logarithms += Math.Log(100 * matches / totals[orders]);
        }
        return orders < Orders && !effectiveOrder ? 0 : penalty * Math.Exp(logarithms / orders);
    }
}
