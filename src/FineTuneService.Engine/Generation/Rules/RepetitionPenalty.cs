namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Makes every token that came before less likely, the prompt's too (https://arxiv.org/abs/1909.05858): a positive score is divided,
/// a negative one multiplied, once a token.</summary>
internal sealed class RepetitionPenalty(double penalty) : ILogitRule
{
    private readonly HashSet<int> _seen = [];

    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        _seen.Clear();
        foreach (int id in previous)
        {
            if (_seen.Add(id)) scores[id] = scores[id] < 0 ? scores[id] * (float)penalty : scores[id] / (float)penalty;
        }
    }
}
