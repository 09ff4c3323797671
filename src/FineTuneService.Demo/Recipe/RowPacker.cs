using FineTuneService.Engine.Datasets;

namespace FineTuneService.Demo.Recipe;

/// <summary>Lays whole conversations behind each other into rows of nearly equal length, so that little is padding.</summary>
internal static class RowPacker
{
    /// <summary>Rows that are open for the next conversation that fits; more of them fill better.</summary>
    private const int OpenRows = 40;

    /// <param name="length">Tokens of a packed row, at most; longer conversations are left out.</param>
    public static IEnumerable<TrainingRow> Pack(IEnumerable<TrainingRow> conversations, int length)
    {
        var open = new List<List<TrainingRow>>();
        foreach (var conversation in conversations.Where(c => c.Ids.Length <= length))
        {
            if (open.Find(row => Length(row) + conversation.Ids.Length <= length) is { } fitting)
            {
                fitting.Add(conversation);
                continue;
            }
            open.Add([conversation]);
            if (open.Count <= OpenRows)
                continue;
            var fullest = open.MaxBy(Length)!;
            open.Remove(fullest);
            yield return Join(fullest);
        }
    }

    private static int Length(List<TrainingRow> row) => row.Sum(part => part.Ids.Length);

    private static TrainingRow Join(List<TrainingRow> row) =>
        new([.. row.SelectMany(part => part.Ids)], [.. row.SelectMany(part => part.Labels)]);
}
