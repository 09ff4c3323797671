namespace FineTuneService.Engine.Operations;

/// <summary>Which tokens of a batch predict a trained label, and which label: shifted by one, so a row's first label never counts.</summary>
/// <param name="Tokens">Indices into the batch's tokens, ascending.</param>
/// <param name="Labels">The token that each of them should predict.</param>
internal sealed record LossTargets(long[] Tokens, long[] Labels)
{
    /// <summary>The label of a token that is not trained on.</summary>
    public const int Ignored = -100;

    /// <summary>What each token's loss counts; null: 1.</summary>
    public float[]? Weights { get; init; }

    public int Count => Tokens.Length;

    /// <summary>What the tokens count together: what a mean divides by.</summary>
    public double Weight => Weights is null ? Count : Weights.Sum(weight => (double)weight);

    /// <param name="labels">A label for each token of each row, <see cref="Ignored"/> where it is not trained on.</param>
    /// <param name="width">Tokens of a padded row.</param>
    /// <param name="weights">For each row, what each label's loss counts, or null where all count 1.</param>
    public static LossTargets Of(IReadOnlyList<int[]> labels, int width, IReadOnlyList<float[]?>? weights = null)
    {
        bool weighted = weights?.Any(row => row is not null) == true;
        var (tokens, targets, counts) = (new List<long>(), new List<long>(), new List<float>());
        for (int row = 0; row < labels.Count; row++)
        {
            for (int i = 1; i < labels[row].Length; i++)
            {
                if (labels[row][i] == Ignored) continue;
                tokens.Add((long)row * width + i - 1);
                targets.Add(labels[row][i]);
                if (weighted) counts.Add(weights![row]?[i] ?? 1);
            }
        }
        return new LossTargets([.. tokens], [.. targets]) { Weights = weighted ? [.. counts] : null };
    }

    /// <summary>Trained labels of a row: those that count after the shift.</summary>
    public static int CountOf(ReadOnlySpan<int> labels)
    {
        int count = 0;
        for (int i = 1; i < labels.Length; i++) count += labels[i] == Ignored ? 0 : 1;
        return count;
    }
}
