namespace FineTuneService.Evaluations;

/// <summary>Why an evaluation gave no figures.</summary>
internal enum EvaluationRefusalKind
{
    /// <summary>The rows cannot be read, or a model's template refuses them.</summary>
    BadRows,
    TooManyRows,
    Full,
    ModelUnusable,
}

/// <param name="Message">What to do, for the client.</param>
internal sealed record EvaluationRefusal(EvaluationRefusalKind Kind, string Message)
{
    // An error holds the first problems, as a job's does.
    private const int ProblemsShown = 10;

    /// <param name="problems">Each with its line.</param>
    public static EvaluationRefusal BadRows(string what, IReadOnlyList<string> problems) => new(EvaluationRefusalKind.BadRows,
        $"{what} {problems.Count} problems: {string.Join("; ", problems.Take(ProblemsShown))}");
}
