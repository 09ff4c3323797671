namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Keeps the smallest set of most likely tokens whose probabilities reach p (nucleus sampling, https://arxiv.org/abs/1904.09751).</summary>
internal sealed class TopP(double p, int fewest = 1) : ILogitRule
{
    private readonly Probabilities _probabilities = new();
    private readonly List<int> _candidates = [];

    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        if (p >= 1) return;
        float[] probabilities = _probabilities.Of(scores).ToArray();
        // Tokens below this have less than 1 − p together, so that the set is full before the first of them: only the others are sorted.
        double floor = fewest > 1 ? 0 : 0.999 * (1 - p) / scores.Length; // A little lower: of equal tokens, rounding leaves each a little less than its share.
        _candidates.Clear();
        for (int id = 0; id < probabilities.Length; id++)
        {
            if (probabilities[id] >= floor) _candidates.Add(id);
        }
        // Most likely first; the lower id first among equals, so that the order is the same everywhere.
        _candidates.Sort((a, b) => probabilities[a] != probabilities[b] ? probabilities[b].CompareTo(probabilities[a]) : a.CompareTo(b));
        double sum = 0;
        int kept = 0;
        while (kept < _candidates.Count && (kept < fewest || sum < p)) sum += probabilities[_candidates[kept++]];
        Keep(scores, kept);
    }

    private void Keep(Span<float> scores, int count)
    {
        var kept = new float[count];
        for (int i = 0; i < count; i++) kept[i] = scores[_candidates[i]];
        scores.Fill(float.NegativeInfinity);
        for (int i = 0; i < count; i++) scores[_candidates[i]] = kept[i];
    }
}
