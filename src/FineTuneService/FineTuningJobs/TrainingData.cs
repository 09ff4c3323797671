using System.Globalization;
using FineTuneService.Data;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's files as tokens, or what is wrong with them.</summary>
/// <param name="Template">The prompt that the rows were put into, which goes with the adapter; null for chat and completion rows.</param>
/// <param name="Refused">The field of the job whose file has the problems; null where there are none.</param>
internal sealed record TrainingData(
    IReadOnlyList<TrainingRow> Train, IReadOnlyList<TrainingRow> Validation, PromptTemplate? Template,
    string? Refused, IReadOnlyList<DatasetProblem> Problems, IReadOnlyList<string> Warnings, int Truncated)
{
    private const string TrainingFile = "training_file", ValidationFile = "validation_file";

    public long Tokens { get; } = Train.Sum(row => (long)row.Ids.Length);

    /// <summary>Of the training file.</summary>
    public DatasetFormat Format { get; init; }

    public int LongestRow { get; } = Train.Count == 0 ? 0 : Train.Max(row => row.Ids.Length);

    /// <summary>The job's error, where its files have problems.</summary>
    public JobError? Error => Refused is null ? null : new JobError($"invalid_{Refused}", Problems.Summary(), Refused);

    /// <param name="modelFolder">The base's folder: its tokenizer and chat template make the tokens.</param>
    public static async Task<TrainingData> Read(
        BlobStore blobs, FileBytes training, FileBytes? validationFile, string modelFolder, JobSettings settings, CancellationToken cancel)
    {
        ModelText model = ModelText.Load(modelFolder);
        RowEncoder encoder = RowEncoder.For(model.Config, model.RequireTokenizer(), model.ChatTemplate, model.EosIds, settings.MaxSeqLength);
        Part train = await ReadFile(blobs, training, encoder, cancel);
        Part? validation = validationFile is null ? null : await ReadFile(blobs, validationFile, encoder, cancel);
        if (validation is not null && train.Problems.Count + validation.Problems.Count == 0) validation = OfFormat(train.Format, validation);
        (IReadOnlyList<TrainingRow> kept, IReadOnlyList<TrainingRow> held) =
            validation is null ? Split(train.Rows, settings.ValidationSplit) : (train.Rows, validation.Rows);
        string? refused = train.Problems.Count > 0 ? TrainingFile : validation?.Problems.Count > 0 ? ValidationFile : null;
        List<string> warnings = [.. train.Warnings.Concat(validation?.Warnings ?? []).Select(warning => warning.ToString())];
        if (settings.MaxSeqLength > model.Config.MaxPositions)
            warnings.Add($"max_seq_length {settings.MaxSeqLength} is more than the model's {model.Config.MaxPositions}: rows are cut at {model.Config.MaxPositions} tokens.");
        if (validation is null && settings.ValidationSplit > 0 && held.Count == 0 && kept.Count > 0)
            warnings.Add($"validation_split {settings.ValidationSplit.ToString(CultureInfo.InvariantCulture)} of {kept.Count} rows holds none out: there is no validation.");
        return new TrainingData(
            kept, held, RowEncoder.TemplateOf(train.Format), refused, [.. train.Problems, .. validation?.Problems ?? []], warnings, train.Truncated)
        {
            Format = train.Format,
        };
    }

    /// <summary>The file's rows become tokens as they are read; of a file with problems the rest is only read.</summary>
    private static async Task<Part> ReadFile(BlobStore blobs, FileBytes file, RowEncoder encoder, CancellationToken cancel)
    {
        await using Stream bytes = await blobs.Open(file.TenantId, file.Sha256, $"file '{file.Filename}'", cancel);
        var reader = new DatasetReader(bytes, file.Filename);
        EncodedRows encoded = encoder.Encode(reader.Rows().Where(_ => !reader.HasProblems), file.Filename, cancel);
        return new Part(
            file.Filename, encoded.Rows, reader.Format, reader.HasProblems ? reader.Problems : encoded.Problems,
            [.. reader.Warnings, .. encoded.Warnings], encoded.Truncated);
    }

    /// <summary>One adapter is trained on one prompt: both files have to be put into the same.</summary>
    private static Part OfFormat(DatasetFormat format, Part validation) => validation.Format == format ? validation : validation with
    {
        Problems =
        [
            new DatasetProblem(0, $"the validation file holds {validation.Format.Name()} rows, the training file {format.Name()} rows; use one format.")
            {
                File = validation.Name,
            },
        ],
    };

    /// <summary>Every so many rows, one is held out: the same rows each time.</summary>
    private static (IReadOnlyList<TrainingRow>, IReadOnlyList<TrainingRow>) Split(IReadOnlyList<TrainingRow> rows, double share)
    {
        bool Held(int i) => Math.Floor((i + 1) * share) > Math.Floor(i * share);
        return ([.. rows.Where((_, i) => !Held(i))], [.. rows.Where((_, i) => Held(i))]);
    }

    /// <param name="Name">The file's uploaded name.</param>
    private sealed record Part(
        string Name, IReadOnlyList<TrainingRow> Rows, DatasetFormat Format, IReadOnlyList<DatasetProblem> Problems, IReadOnlyList<DatasetWarning> Warnings, int Truncated);
}
