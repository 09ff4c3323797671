namespace FineTuneService.Engine.Datasets;

/// <summary>A dataset as tokens.</summary>
/// <param name="Problems">Rows that cannot be encoded, such as those that the chat template refuses.</param>
/// <param name="Truncated">Rows that were longer than the longest sequence and lost their end.</param>
/// <param name="Dropped">Rows left out because no token of them is learnt.</param>
public sealed record EncodedRows(
    IReadOnlyList<TrainingRow> Rows,
    IReadOnlyList<DatasetProblem> Problems,
    IReadOnlyList<DatasetWarning> Warnings,
    int Truncated,
    int Dropped)
{
    /// <summary>All tokens of one pass over the rows.</summary>
    public long Tokens => Rows.Sum(row => (long)row.Ids.Length);

    /// <summary>Those of them that carry loss.</summary>
    public long TrainedTokens => Rows.Sum(row => (long)row.TrainedTokens);
}
