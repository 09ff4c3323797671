namespace FineTuneService.Engine.Datasets;

/// <summary>What an error says about a file's problems: how many rows have one, and the first of them.</summary>
public static class ProblemSummary
{
    /// <summary>Kinds of problems in one message.</summary>
    private const int Shown = 10;

    public static string Summary(this IReadOnlyList<DatasetProblem> problems)
    {
        var count = problems.Sum(problem => problem.Count);
        var rest = problems.Count > Shown ? $"; and {problems.Count - Shown} other kinds" : "";
        return $"{count} problem{(count == 1 ? "" : "s")}: {string.Join("; ", problems.Take(Shown))}{rest}";
    }
}
