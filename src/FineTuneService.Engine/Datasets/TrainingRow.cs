namespace FineTuneService.Engine.Datasets;

/// <summary>One sequence to train on, or several that are packed one behind the other.</summary>
/// <param name="Ids">[tokens] of the vocabulary.</param>
/// <param name="Labels">[tokens]: the id where the token is learnt, <see cref="Ignored"/> where not. Not shifted: the loss does
/// that, and the first label of a sequence never counts.</param>
public sealed record TrainingRow(int[] Ids, int[] Labels)
{
    /// <summary>The label of a token that carries no loss, as in PyTorch.</summary>
    public const int Ignored = -100;

    /// <summary>Tokens of each sequence that is packed into the row. Tokens see those of their own sequence only, and its positions begin at 0.</summary>
    public IReadOnlyList<int> SequenceLengths
    {
        get => _sequences ?? [Ids.Length];
        init => _sequences = value;
    }

    private readonly IReadOnlyList<int>? _sequences;

    /// <summary>[tokens]: what each label's loss counts beside the others'; null: all the same.</summary>
    public float[]? Weights { get; init; }

    /// <summary>The worse answer to the same prompt, where rows are pairs to prefer one of (DPO).</summary>
    public TrainingRow? Rejected { get; init; }

    /// <summary>Tokens of the longer of both.</summary>
    public int Longest => Math.Max(Ids.Length, Rejected?.Ids.Length ?? 0);

    public int TrainedTokens => Labels.Count(label => label != Ignored);

    /// <summary>[tokens]: each one's position in its sequence.</summary>
    public int[] Positions() => [.. SequenceLengths.SelectMany(length => Enumerable.Range(0, length))];

    /// <summary>[tokens]: the labels, but for the first of each sequence, which nothing of its own stands before to predict it from.</summary>
    public int[] LossLabels()
    {
        int[] labels = [.. Labels];
        int start = 0;
        foreach (int length in SequenceLengths)
        {
            if (start < labels.Length) labels[start] = Ignored;
            start += length;
        }
        return labels;
    }
}
