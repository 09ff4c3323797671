namespace FineTuneService.Engine.Generation.Rules;

/// <summary>These tokens are never drawn, as long as the answer is shorter than this.</summary>
/// <param name="shortest">Tokens of prompt and answer; for transformers' min_new_tokens the prompt's length and the answer's together.</param>
internal sealed class SuppressTokens(IReadOnlyCollection<int> tokens, long shortest = long.MaxValue) : ILogitRule
{
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        if (previous.Length >= shortest) return;
        foreach (int id in tokens) scores[id] = float.NegativeInfinity;
    }
}
