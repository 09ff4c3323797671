using FineTuneService.Engine.Datasets;

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
    /// <param name="problems">Each with its file and line.</param>
    public static EvaluationRefusal BadRows(string what, IReadOnlyList<DatasetProblem> problems) =>
        new(EvaluationRefusalKind.BadRows, $"{what} {problems.Summary()}");
}
