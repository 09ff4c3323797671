namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Adds to the scores of single tokens: OpenAI's logit_bias.</summary>
internal sealed class LogitBias(IReadOnlyDictionary<int, double> bias) : ILogitRule
{
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        foreach ((int id, double value) in bias) scores[id] += (float)value;
    }
}
