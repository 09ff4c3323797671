using FineTuneService.Data;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's files as tokens, or what is wrong with them.</summary>
/// <param name="Template">The prompt that the rows were put into, which goes with the adapter; null for chat and completion rows.</param>
internal sealed record TrainingData(
    IReadOnlyList<TrainingRow> Train, IReadOnlyList<TrainingRow> Validation, PromptTemplate? Template,
    IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings, int Truncated)
{
    public long Tokens { get; } = Train.Sum(row => (long)row.Ids.Length);
    public int LongestRow { get; } = Train.Count == 0 ? 0 : Train.Max(row => row.Ids.Length);

    /// <param name="modelFolder">The base's folder: its tokenizer and chat template make the tokens.</param>
    public static async Task<TrainingData> Read(
        FineTuneDbContext db, BlobStore blobs, string trainingFile, string? validationFile, string modelFolder, JobSettings settings, CancellationToken cancel)
    {
        (ModelConfig model, Tokenizer tokenizer) = (ModelConfig.Load(modelFolder), Tokenizer.Load(modelFolder));
        RowEncoder encoder = RowEncoder.For(
            model, tokenizer, ChatTemplate.Load(modelFolder), StopTokens.Of(modelFolder, model, tokenizer), settings.MaxSeqLength);
        Part train = await ReadFile(db, blobs, trainingFile, encoder, cancel);
        Part? validation = validationFile is null ? null : await ReadFile(db, blobs, validationFile, encoder, cancel);
        (IReadOnlyList<TrainingRow> kept, IReadOnlyList<TrainingRow> held) =
            validation is null ? Split(train.Rows, settings.ValidationSplit) : (train.Rows, validation.Rows);
        List<string> problems = [.. train.Problems, .. (validation?.Problems ?? []).Select(problem => $"validation file, {problem}")];
        if (validation is not null && problems.Count == 0 && validation.Format != train.Format)
            problems.Add($"the validation file holds {validation.Format} rows, the training file {train.Format} rows; use one format");
        return new TrainingData(kept, held, RowEncoder.TemplateOf(train.Format), problems, [.. train.Warnings, .. validation?.Warnings ?? []], train.Truncated);
    }

    private static async Task<Part> ReadFile(FineTuneDbContext db, BlobStore blobs, string id, RowEncoder encoder, CancellationToken cancel)
    {
        if (await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is not { } file)
            return new Part([], default, [$"file '{id}' was deleted before the job began"], [], 0);
        await using Stream bytes = await blobs.Open(file.TenantId, file.Sha256, $"file '{id}'", cancel);
        Dataset dataset = Dataset.Read(bytes, file.Filename);
        if (dataset.Problems.Count > 0) return new Part([], dataset.Format, [.. dataset.Problems.Select(problem => problem.ToString())], [], 0);
        EncodedRows encoded = encoder.Encode(dataset);
        return new Part(
            encoded.Rows, dataset.Format, [.. encoded.Problems.Select(problem => problem.ToString())],
            [.. dataset.Warnings.Concat(encoded.Warnings).Select(warning => warning.ToString())], encoded.Truncated);
    }

    /// <summary>Every so many rows, one is held out: the same rows each time.</summary>
    private static (IReadOnlyList<TrainingRow>, IReadOnlyList<TrainingRow>) Split(IReadOnlyList<TrainingRow> rows, double share)
    {
        bool Held(int i) => Math.Floor((i + 1) * share) > Math.Floor(i * share);
        return ([.. rows.Where((_, i) => !Held(i))], [.. rows.Where((_, i) => Held(i))]);
    }

    private sealed record Part(IReadOnlyList<TrainingRow> Rows, DatasetFormat Format, IReadOnlyList<string> Problems, IReadOnlyList<string> Warnings, int Truncated);
}
