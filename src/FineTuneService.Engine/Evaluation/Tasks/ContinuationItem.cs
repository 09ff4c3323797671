namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>One continuation: whether the model would have written it, and how likely it is.</summary>
public sealed record ContinuationItem(string Context, string Continuation) : ScoredItem
{
    public override IReadOnlyList<ScoredText> Texts(TextPairs pairs) => [pairs.Pair(Context, Continuation)];

    /// <returns>acc (every token is the likeliest), loglikelihood, tokens, and perplexity by token.</returns>
    public override IReadOnlyDictionary<string, double> Measure(IReadOnlyList<TextScore> scores) => new Dictionary<string, double>
    {
        ["acc"] = scores[0].IsGreedy ? 1 : 0,
        ["loglikelihood"] = scores[0].LogLikelihood,
        ["tokens"] = scores[0].Tokens,
        ["perplexity"] = Math.Exp(-scores[0].LogLikelihood / scores[0].Tokens),
    };
}
