using FineTuneService.Engine.Operations;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Datasets;

/// <summary>The rows of one forward and backward.</summary>
/// <param name="Tokens">Their ids, padded on the right.</param>
/// <param name="Targets">The labels that count.</param>
/// <param name="Dropout">Decides the elements dropped on low-rank branches; null: none.</param>
/// <param name="EmbeddingNoise">Changes the embeddings in training; null: not at all.</param>
internal sealed record MicroBatch(TokenBatch Tokens, LossTargets Targets, Dropout? Dropout = null, Action<Tensor>? EmbeddingNoise = null)
{
    public static MicroBatch Of(IReadOnlyList<TrainingRow> rows, Dropout? dropout = null)
    {
        bool packed = rows.Any(row => row.SequenceLengths.Count > 1);
        var tokens = new TokenBatch([.. rows.Select(row => row.Ids)]) { SequenceStarts = packed ? Starts(rows, rows.Max(row => row.Ids.Length)) : null };
        int[][] labels = [.. rows.Select(row => packed ? row.LossLabels() : row.Labels)];
        return new MicroBatch(tokens, LossTargets.Of(labels, tokens.Width, [.. rows.Select(row => row.Weights)]), dropout);
    }

    /// <summary>Where each token's own sequence begins in its row; padding is a sequence of its own.</summary>
    private static int[] Starts(IReadOnlyList<TrainingRow> rows, int width)
    {
        var starts = new int[rows.Count * width];
        for (int row = 0; row < rows.Count; row++)
        {
            int start = 0;
            foreach (int length in rows[row].SequenceLengths.Append(width - rows[row].Ids.Length))
            {
                starts.AsSpan(row * width + start, length).Fill(start);
                start += length;
            }
        }
        return starts;
    }
}
