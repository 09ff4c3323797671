using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
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

    /// <summary>Why a job's own chat template cannot be used, or null.</summary>
    public static JobBodyProblem? TemplateProblem(CreateJobRequest body)
    {
        if (body.ChatTemplate is not { } source) return null;
        if (body.Dataset?.PromptTemplate is not null) return new("chat_template", "dataset.prompt_template makes the prompts already; give one of the two");
        if (source.Length == 0) return new("chat_template", "chat_template is empty; leave it out for the base's own");
        try
        {
            ChatTemplate.Parse(source, null, null);
            return null;
        }
        catch (ChatTemplateException wrong)
        {
            return new("chat_template", "chat_template is no template that can be used: " + wrong.Message.TrimEnd('.'));
        }
    }

    /// <summary>Null where the job says nothing of its columns.</summary>
    public static DatasetColumns? Columns(this JobSettings settings) => FileColumns.Of(settings.Columns, settings.PromptTemplate);

    /// <summary>The prompt that the adapter is trained in and answers in; null where rows need none.</summary>
    public static PromptTemplate? TemplateOf(this JobSettings settings, DatasetFormat format) => settings.Columns()?.Template ?? RowEncoder.TemplateOf(format);

    /// <summary>Makes the job's rows: its base's tokens, and loss where the job wants it.</summary>
    /// <exception cref="ModelException">The base has no tokenizer.</exception>
    public static RowEncoder Encoder(this JobSettings settings, ModelText model) => RowEncoder.For(
        model.Config, model.RequireTokenizer(), settings.ChatTemplate is { } own ? AdapterChatTemplate.Parse(own, model.Folder) : model.ChatTemplate, model.EosIds, settings.MaxSeqLength, settings.Columns()?.Template, settings.LossOn(), pairs: settings.Dpo is not null,
        settings.KeepsWholeRows() ? null : settings.Truncation);

    /// <summary>Longer rows are not cut, since packing splits them.</summary>
    public static bool KeepsWholeRows(this JobSettings settings) => TrainingOptions.PackingOf(settings) is PackingStrategy.BestFitSplit or PackingStrategy.Wrapped;

    /// <summary>What is said of a max_seq_length that the model does not reach, or null.</summary>
    public static string? TooLong(this JobSettings settings, ModelConfig model) => settings.MaxSeqLength <= model.MaxPositions || settings.MaxSeqLength is null ? null
        : $"max_seq_length {settings.MaxSeqLength} is more than the model's {model.MaxPositions}: rows are cut at {model.MaxPositions} tokens.";

    public static LossOn LossOn(this JobSettings settings) => settings.TrainOn switch
    {
        "all" => Engine.Datasets.LossOn.All,
        "completion" => Engine.Datasets.LossOn.Completion,
        _ => Engine.Datasets.LossOn.Answers,
    };
}
