namespace FineTuneService.Engine.Datasets;

/// <summary>One sequence to train on.</summary>
/// <param name="Ids">[tokens] of the vocabulary.</param>
/// <param name="Labels">[tokens]: the id where the token is learnt, <see cref="Ignored"/> where not. Not shifted: the loss does
/// that.</param>
public sealed record TrainingRow(int[] Ids, int[] Labels)
{
    /// <summary>The label of a token that carries no loss, as in PyTorch.</summary>
    public const int Ignored = -100;

    public int TrainedTokens => Labels.Count(label => label != Ignored);
}
