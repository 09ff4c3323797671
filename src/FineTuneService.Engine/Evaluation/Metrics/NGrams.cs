namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>How often each run of n items occurs.</summary>
internal static class NGrams
{
    // Between items of a run; no item holds it, since texts are split at white space or into characters.
    private const char Between = '\u001f';

    public static Dictionary<string, int> Count(IReadOnlyList<string> items, int n)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int start = 0; start + n <= items.Count; start++)
        {
            string gram = n == 1 ? items[start] : string.Join(Between, items.Skip(start).Take(n));
            counts[gram] = counts.GetValueOrDefault(gram) + 1;
        }
        return counts;
    }

    /// <summary>Runs that both have, each as often as the one that has fewer.</summary>
    public static int Common(Dictionary<string, int> a, Dictionary<string, int> b) => a.Sum(pair => Math.Min(pair.Value, b.GetValueOrDefault(pair.Key)));

    /// <summary>Each run as often as the one that has more.</summary>
    public static void KeepMost(Dictionary<string, int> counts, Dictionary<string, int> others)
    {
        foreach ((string gram, int count) in others) counts[gram] = Math.Max(count, counts.GetValueOrDefault(gram));
    }
}
