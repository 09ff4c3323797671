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
        var tokens = new TokenBatch([.. rows.Select(row => row.Ids)]);
        return new MicroBatch(tokens, LossTargets.Of([.. rows.Select(row => row.Labels)], tokens.Width, [.. rows.Select(row => row.Weights)]), dropout);
    }
}
