namespace FineTuneService.Engine.Generation.Rules;

/// <summary>Keeps the k highest scores, and all that equal the lowest of them.</summary>
internal sealed class TopK(int k, int fewest = 1) : ILogitRule
{
    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        int kept = Math.Max(k, fewest);
        if (kept >= scores.Length) return;
        float lowest = Highest.Of(scores, kept);
        for (int id = 0; id < scores.Length; id++)
        {
            if (scores[id] < lowest) scores[id] = float.NegativeInfinity;
        }
    }
}
