using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Generation;
using FineTuneService.Files;

namespace FineTuneService.Evaluations;

/// <summary>What is put to each model.</summary>
/// <param name="File">Rows whose loss is asked for, and whose prompts are generated from where generate names none.</param>
/// <param name="Limit">Only the first so many rows of the file and of each task; null: all, up to FineTune:MaxEvaluationRows.</param>
internal sealed record EvaluationPlan(StoredFile? File, IReadOnlyList<PlannedTask> Tasks, int? Limit, PlannedAnswers? Generate)
{
    /// <summary>What the request says of the file's columns; null: nothing.</summary>
    public DatasetColumns? Columns { get; init; }
}

/// <summary>A task and where its data is.</summary>
/// <param name="FewShots">Examples before each question.</param>
/// <param name="File">Uploaded questions; null: the service's own.</param>
/// <param name="Shots">Uploaded examples; null: the service's own.</param>
internal sealed record PlannedTask(HarnessTask Task, int FewShots, StoredFile? File = null, StoredFile? Shots = null);

/// <param name="Prompts">Null: the file's.</param>
internal sealed record PlannedAnswers(IReadOnlyList<string>? Prompts, SamplingParameters Parameters);
