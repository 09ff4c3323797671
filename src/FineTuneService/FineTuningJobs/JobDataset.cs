using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Files;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job's body says of its files' columns, as the Engine takes it.</summary>
internal static class JobDataset
{
    public static JobBodyProblem? Problem(DatasetBody? dataset)
    {
        if (dataset is null) return null;
        if (dataset.ValidationSplit is < 0 or >= 1) return new("dataset.validation_split", "validation_split must be at least 0 and below 1");
        if (dataset.MaxRows is < 1) return new("dataset.max_rows", "max_rows must be 1 or more");
        return FileColumns.Problem(dataset.Columns, dataset.PromptTemplate) is { } problem ? new("dataset." + problem.Field, problem.Message) : null;
    }

    /// <summary>Null where the job says nothing of its columns.</summary>
    public static DatasetColumns? Columns(this JobSettings settings) => FileColumns.Of(settings.Columns, settings.PromptTemplate);

    /// <summary>The prompt that the adapter is trained in and answers in; null where rows need none.</summary>
    public static PromptTemplate? TemplateOf(this JobSettings settings, DatasetFormat format) => settings.Columns()?.Template ?? RowEncoder.TemplateOf(format);

    public static LossOn LossOn(this JobSettings settings) => settings.TrainOn switch
    {
        "all" => Engine.Datasets.LossOn.All,
        "completion" => Engine.Datasets.LossOn.Completion,
        _ => Engine.Datasets.LossOn.Answers,
    };
}
