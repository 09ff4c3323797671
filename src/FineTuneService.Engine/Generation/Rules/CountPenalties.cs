namespace FineTuneService.Engine.Generation.Rules;

/// <summary>OpenAI's penalties: each time that a token was drawn costs it <paramref name="frequency"/>, and having been drawn at all
/// <paramref name="presence"/>.</summary>
/// <param name="promptLength">Tokens of the prompt, which do not count.</param>
internal sealed class CountPenalties(double frequency, double presence, int promptLength) : ILogitRule
{
    private readonly Dictionary<int, int> _counts = [];

    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        _counts.Clear();
        foreach (int id in previous[Math.Min(promptLength, previous.Length)..]) _counts[id] = _counts.GetValueOrDefault(id) + 1;
        foreach ((int id, int count) in _counts) scores[id] -= (float)(count * frequency + presence);
    }
}
