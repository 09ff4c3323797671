using System.Text.Json.Nodes;
using FineTuneService.Engine.Evaluation.Metrics;

namespace FineTuneService.Engine.Tests.Evaluation;

/// <summary>Every metric against sacrebleu, rouge_score and SQuAD's script (golden/metrics).</summary>
public sealed class TextMetricTests
{
    private const double Tolerance = 1e-9;

    private static readonly (string Name, BleuTokenizer Tokenizer)[] s_tokenizers =
        [("13a", BleuTokenizer.Mteval13a), ("char", BleuTokenizer.Characters), ("intl", BleuTokenizer.International), ("none", BleuTokenizer.None)];

    [Fact]
    public void OfSentence_EveryPair_EqualsSacrebleu()
    {
        foreach (JsonNode pair in Golden()["sentences"]!.AsArray()!)
        {
            (string hypothesis, string[] references) = Texts(pair);
            foreach ((string name, BleuTokenizer tokenizer) in s_tokenizers) EqualBleu(pair["bleu"]![name]!, Bleu.OfSentence(hypothesis, references, tokenizer));
            Assert.Equal((double)pair["bleu_13a_no_effective_order"]!, Bleu.OfSentence(hypothesis, references, effectiveOrder: false).Score, Tolerance);
            Assert.Equal((double)pair["chrf"]!, Chrf.OfSentence(hypothesis, references), Tolerance);
            Assert.Equal((double)pair["chrf++"]!, Chrf.OfSentence(hypothesis, references, wordOrder: 2), Tolerance);
        }
        Fidelity.Passed("metrics", "sentence BLEU, chrF", "equal within 1e-9");
    }

    [Fact]
    public void OfCorpus_EverySet_EqualsSacrebleu()
    {
        JsonNode golden = Golden();
        (string, string[])[] pairs = [.. golden["sentences"]!.AsArray().Select(pair => Texts(pair!))];
        foreach ((_, JsonNode? corpus) in golden["corpora"]!.AsObject())
        {
            (string, IReadOnlyList<string>)[] chosen = [.. corpus!["pairs"]!.AsArray().Select(at => (pairs[(int)at!].Item1, (IReadOnlyList<string>)pairs[(int)at!].Item2))];
            foreach ((string name, BleuTokenizer tokenizer) in s_tokenizers) EqualBleu(corpus["bleu"]![name]!, Bleu.OfCorpus(chosen, tokenizer));
            Assert.Equal((double)corpus["chrf"]!["score"]!, Chrf.OfCorpus(chosen), Tolerance);
            Assert.Equal((double)corpus["chrf++"]!["score"]!, Chrf.OfCorpus(chosen, wordOrder: 2), Tolerance);
        }
        Fidelity.Passed("metrics", "corpus BLEU, chrF", "equal within 1e-9");
    }

    [Fact]
    public void Rouge_EveryPair_EqualsRougeScore()
    {
        foreach (JsonNode pair in Golden()["sentences"]!.AsArray()!)
        {
            (string hypothesis, string[] references) = Texts(pair);
            foreach ((string name, bool stem) in new[] { ("plain", false), ("stemmer", true) })
            {
                var rouge = new Rouge(stem);
                JsonNode scores = pair["rouge"]![name]!;
                EqualRouge(scores["rouge1"]!, rouge.Runs(hypothesis, references, 1));
                EqualRouge(scores["rouge2"]!, rouge.Runs(hypothesis, references, 2));
                EqualRouge(scores["rougeL"]!, rouge.Longest(hypothesis, references));
                EqualRouge(scores["rougeLsum"]!, rouge.LongestByLine(hypothesis, references));
            }
        }
        Fidelity.Passed("metrics", "ROUGE", "equal within 1e-9");
    }

    [Fact]
    public void AnswerMatch_EveryPair_EqualsSquad()
    {
        foreach (JsonNode pair in Golden()["sentences"]!.AsArray()!)
        {
            (string hypothesis, string[] references) = Texts(pair);
            Assert.Equal((string)pair["normalized_hypothesis"]!, AnswerMatch.Normalize(hypothesis));
            Assert.Equal((double)pair["exact_match"]!, AnswerMatch.Exact(hypothesis, references));
            Assert.Equal((double)pair["f1"]!, AnswerMatch.F1(hypothesis, references), Tolerance);
            Assert.Equal((double)pair["f1_squad2"]!, AnswerMatch.F1(hypothesis, references, emptyIsRight: true), Tolerance);
        }
        Fidelity.Passed("metrics", "exact match, F1", "equal within 1e-9");
    }

    [Fact]
    public void Spread_EveryListOfOutcomes_EqualsTheHarness()
    {
        foreach (JsonNode list in Golden()["accuracy"]!.AsArray()!)
        {
            double[] outcomes = [.. ((string)list["outcomes"]!).Select(outcome => (double)(outcome - '0'))];
            double share = outcomes.Average();
            Assert.Equal((double?)list["stderr_harness"] ?? -1, Spread.OfMean(outcomes) ?? -1, 1e-12); // A single outcome has none.
            Assert.Equal((double)list["stderr_binomial"]!, Spread.OfShare(share, outcomes.Length), 1e-12);
            (double low, double high) = Spread.Wilson95(share, outcomes.Length);
            Assert.Equal((double)list["wilson_95"]![0]!, low, 1e-12);
            Assert.Equal((double)list["wilson_95"]![1]!, high, 1e-12);
        }
        Fidelity.Passed("metrics", "standard errors", "equal within 1e-12");
    }

    private static JsonNode Golden() => JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "metrics", "metrics.json")))!;

    private static (string, string[]) Texts(JsonNode pair) => ((string)pair["hypothesis"]!, [.. pair["references"]!.AsArray().Select(text => (string)text!)]);

    private static void EqualBleu(JsonNode expected, Bleu actual)
    {
        Assert.Equal([.. expected["counts"]!.AsArray().Select(count => (int)count!)], actual.Counts);
        Assert.Equal([.. expected["totals"]!.AsArray().Select(count => (int)count!)], actual.Totals);
        Assert.Equal(((int)expected["sys_len"]!, (int)expected["ref_len"]!), (actual.HypothesisLength, actual.ReferenceLength));
        Assert.Equal((double)expected["bp"]!, actual.BrevityPenalty, Tolerance);
        Assert.Equal((double)expected["score"]!, actual.Score, Tolerance);
    }

    private static void EqualRouge(JsonNode expected, RougeScore actual)
    {
        Assert.Equal((double)expected["precision"]!, actual.Precision, Tolerance);
        Assert.Equal((double)expected["recall"]!, actual.Recall, Tolerance);
        Assert.Equal((double)expected["f"]!, actual.F, Tolerance);
    }
}
