namespace FineTuneService.Engine.Datasets;

/// <summary>What is said of a file's rows while they become tokens.</summary>
internal sealed class EncodingReport(string? fileName)
{
    private const string NoStop =
        "no token that ends an answer is learnt, so the model will not stop by itself. Let the chat template write such a token behind each "
        + "answer, inside {% generation %} where it has that, and name it as eos_token in tokenizer_config.json or eos_token_id in generation_config.json.";

    public ProblemList Problems { get; } = new(fileName);

    public WarningList Warnings { get; } = new(fileName);

    /// <summary>Rows that were longer than the longest sequence.</summary>
    public int Truncated { get; private set; }

    /// <summary>Rows of which no token is learnt.</summary>
    public int Dropped { get; private set; }

    public EncodedRows Of(IReadOnlyList<TrainingRow> rows) => new(rows, Problems.All, Warnings.All, Truncated, Dropped);

    /// <param name="row">A row's tokens, and more of them than are kept where it is too long.</param>
    /// <param name="cut">The tokens that are kept.</param>
    /// <returns>Null where the row teaches nothing.</returns>
    public TrainingRow? Keep(int line, TrainingRow row, TrainingRow cut, IReadOnlyList<int> stops)
    {
        bool isCut = cut.Longest < row.Longest;
        if (isCut)
        {
            Truncated++;
            Warnings.Add(line, $"rows are cut at {cut.Longest} tokens.");
        }
        if (TeachesNothing(cut) || (cut.Rejected is not null && TeachesNothing(cut.Rejected)))
        {
            Dropped++;
            Warnings.Add(line, "rows without a token to learn are left out.");
            return null;
        }
        // The end of a row that is cut need not have been encoded.
        if (!isCut && !row.Labels.Any(stops.Contains)) Warnings.Add(line, NoStop);
        return cut;
    }

    /// <summary>The first token's label is never used: nothing stands before it to predict it from.</summary>
    private static bool TeachesNothing(TrainingRow row) => row.Labels.Skip(1).All(label => label == TrainingRow.Ignored);
}
