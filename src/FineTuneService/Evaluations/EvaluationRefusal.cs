using FineTuneService.Engine.Datasets;

namespace FineTuneService.Evaluations;

/// <summary>Why an evaluation gave no figures.</summary>
internal enum EvaluationRefusalKind
{
    /// <summary>The rows cannot be read, or a model's template refuses them.</summary>
    BadRows,
    TooManyRows,

    /// <summary>The task's data is not here, or too few of it.</summary>
    BadTask,
    Full,
    ModelUnusable,
}

/// <param name="Message">What to do, for the client.</param>
/// <param name="Param">The field at fault.</param>
internal sealed record EvaluationRefusal(EvaluationRefusalKind Kind, string Message, string Param = "file")
{
    /// <param name="problems">Each with its file and line.</param>
    public static EvaluationRefusal BadRows(string what, IReadOnlyList<DatasetProblem> problems, string param = "file") =>
        new(EvaluationRefusalKind.BadRows, $"{what} {problems.Summary()}", param);
}

/// <summary>Ends an evaluation, from wherever it is.</summary>
internal sealed class EvaluationRefused(EvaluationRefusal refusal) : Exception(refusal.Message)
{
    public EvaluationRefusal Refusal => refusal;
}
