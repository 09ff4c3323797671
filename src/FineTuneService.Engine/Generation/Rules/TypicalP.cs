namespace FineTuneService.Engine.Generation.Rules;

/// <summary>
/// Keeps the tokens whose surprise is nearest to the distribution's own entropy, until they have this mass (locally typical sampling,
/// https://arxiv.org/abs/2202.00666).
/// </summary>
internal sealed class TypicalP(double mass, int fewest = 1) : ILogitRule
{
    private readonly Probabilities _probabilities = new();

    public void Apply(Span<float> scores, ReadOnlySpan<int> previous)
    {
        float[] probabilities = _probabilities.Of(scores).ToArray();
        double entropy = 0;
        foreach (float p in probabilities) entropy -= p > 0 ? p * Math.Log(p) : 0;
        double[] distances = [.. probabilities.Select(p => p > 0 ? Math.Abs(-Math.Log(p) - entropy) : double.PositiveInfinity)];
        int[] nearest = [.. Enumerable.Range(0, scores.Length)];
        Array.Sort(distances.ToArray(), nearest);
        double sum = 0;
        int last = 0;
        // The token that reaches the mass is kept too.
        for (; last < nearest.Length - 1; last++)
        {
            sum += probabilities[nearest[last]];
            if (sum >= mass) break;
        }
        double farthest = distances[nearest[Math.Max(last, fewest - 1)]];
        for (int id = 0; id < scores.Length; id++)
        {
            if (distances[id] > farthest) scores[id] = float.NegativeInfinity;
        }
    }
}
