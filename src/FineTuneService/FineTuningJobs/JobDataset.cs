using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;

namespace FineTuneService.FineTuningJobs;

/// <summary>What a job's body says of its files' columns, as the Engine takes it.</summary>
internal static class JobDataset
{
    /// <summary>Characters of the longest prompt template, and of a column's name; and names of columns.</summary>
    private const int LongestTemplate = 1 << 14, LongestName = 200, MostColumns = 32;

    public static JobBodyProblem? Problem(DatasetBody? dataset)
    {
        if (dataset is null) return null;
        if (dataset.ValidationSplit is < 0 or >= 1) return new("dataset.validation_split", "validation_split must be at least 0 and below 1");
        if (dataset.MaxRows is < 1) return new("dataset.max_rows", "max_rows must be 1 or more");
        if (dataset.Columns is { } names && (names.Count > MostColumns || names.Any(name => name.Value is null or { Length: 0 or > LongestName } || name.Key.Length > LongestName)))
            return new("dataset.columns", $"columns holds at most {MostColumns} names, each of 1 to {LongestName} characters");
        if (dataset.PromptTemplate is { Length: > LongestTemplate }) return new("dataset.prompt_template", $"prompt_template has at most {LongestTemplate} characters");
        return Of(dataset.Columns, dataset.PromptTemplate)?.Problem() is { } problem
            ? new(dataset.PromptTemplate is null ? "dataset.columns" : "dataset.prompt_template", problem) : null;
    }

    /// <summary>Null where the job says nothing of its columns.</summary>
    public static DatasetColumns? Columns(this JobSettings settings) => Of(settings.Columns, settings.PromptTemplate);

    /// <summary>The prompt that the adapter is trained in and answers in; null where rows need none.</summary>
    public static PromptTemplate? TemplateOf(this JobSettings settings, DatasetFormat format) => settings.Columns()?.Template ?? RowEncoder.TemplateOf(format);

    public static LossOn LossOn(this JobSettings settings) => settings.TrainOn switch
    {
        "all" => Engine.Datasets.LossOn.All,
        "completion" => Engine.Datasets.LossOn.Completion,
        _ => Engine.Datasets.LossOn.Answers,
    };

    private static DatasetColumns? Of(IReadOnlyDictionary<string, string>? names, string? template) => names is null && template is null ? null
        : new DatasetColumns(names ?? new Dictionary<string, string>(), template is null ? null : PromptTemplate.Known.FirstOrDefault(known => known.Name == template) ?? PromptTemplate.Own(template));
}
