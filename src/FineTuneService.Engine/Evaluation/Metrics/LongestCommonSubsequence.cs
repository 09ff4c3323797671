namespace FineTuneService.Engine.Evaluation.Metrics;

/// <summary>The longest common subsequence of two lists of words.</summary>
internal static class LongestCommonSubsequence
{
    /// <summary>Where its words are in <paramref name="a"/>, the last first. Of several, the one that rouge_score finds.</summary>
    public static List<int> Positions(IReadOnlyList<string> a, IReadOnlyList<string> b)
    {
        var lengths = new int[a.Count + 1, b.Count + 1];
        for (int i = 1; i <= a.Count; i++)
        {
            for (int j = 1; j <= b.Count; j++) lengths[i, j] = a[i - 1] == b[j - 1] ? lengths[i - 1, j - 1] + 1 : Math.Max(lengths[i - 1, j], lengths[i, j - 1]);
        }
        var positions = new List<int>();
        for (int i = a.Count, j = b.Count; i > 0 && j > 0;)
        {
            if (a[i - 1] == b[j - 1])
            {
                positions.Add(i - 1);
                (i, j) = (i - 1, j - 1);
            }
            else if (lengths[i, j - 1] > lengths[i - 1, j])
            {
                j--;
            }
            else
            {
                i--;
            }
        }
        return positions;
    }
}
