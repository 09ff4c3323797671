namespace FineTuneService.Engine.Datasets;

/// <summary>Refuses, before anything is allocated, rows that a model cannot read.</summary>
internal static class RowChecks
{
    /// <summary>An id outside the vocabulary would be read from beyond the embedding's end.</summary>
    /// <param name="what">The rows' name in the message.</param>
    /// <exception cref="ArgumentException">The message says which row and why.</exception>
    public static void RequireRows(IReadOnlyList<TrainingRow> rows, int vocabulary, string what)
    {
        foreach (IReadOnlyList<TrainingRow> answers in new[] { rows, [.. rows.Select(row => row.Rejected).OfType<TrainingRow>()] }) RequireIds(answers, vocabulary, what);
    }

    private static void RequireIds(IReadOnlyList<TrainingRow> rows, int vocabulary, string what)
    {
        for (int i = 0; i < rows.Count; i++)
        {
            if (rows[i].Weights is { } weights && (weights.Length != rows[i].Labels.Length || weights.Any(weight => !(weight >= 0 && float.IsFinite(weight)))))
                throw new ArgumentException($"{what} row {i} has not one weight of 0 or more for each label");
            if (rows[i].Ids.Length == 0) throw new ArgumentException($"{what} row {i} is empty");
            if (rows[i].Ids.Length != rows[i].Labels.Length) throw new ArgumentException($"{what} row {i} has not one label for each id");
            if (rows[i].SequenceLengths.Any(length => length < 1) || rows[i].SequenceLengths.Sum() != rows[i].Ids.Length)
                throw new ArgumentException($"{what} row {i} has packed sequences that are not all of its tokens");
            foreach (int id in rows[i].Ids)
            {
                if (id < 0 || id >= vocabulary) throw new ArgumentException($"{what} row {i} has id {id}, outside the vocabulary of {vocabulary}");
            }
        }
    }
}
