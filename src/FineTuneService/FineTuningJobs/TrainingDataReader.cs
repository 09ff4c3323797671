using System.Globalization;
using FineTuneService.Data;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>Reads a job's files row by row: neither their text nor their tokens need fit into memory.</summary>
internal sealed class TrainingDataReader(BlobStore blobs, DataDirectory directory, DiskSpace disk)
{
    private const string TrainingFile = "training_file", ValidationFile = "validation_file", TestFile = "test_file";

    /// <param name="modelFolder">The base's folder: its tokenizer and chat template make the tokens.</param>
    /// <returns>The caller lets it go.</returns>
    /// <exception cref="StorageException">The disk is full.</exception>
    public async Task<TrainingData> Read(JobFileBytes files, string modelFolder, JobSettings settings, CancellationToken cancel)
    {
        ModelText model = ModelText.Load(modelFolder);
        RowEncoder encoder = settings.Encoder(model);
        var held = new List<IDisposable>();
        try
        {
            Part train = await ReadFile(files.Training, TrainingFile, encoder, settings, settings.MaxRows, held, cancel);
            Part? validation = files.Validation is { } second ? await ReadFile(second, ValidationFile, encoder, settings, null, held, cancel) : null;
            Part? test = files.Test is { } third ? await ReadFile(third, TestFile, encoder, settings, null, held, cancel) : null;
            Part[] parts = [.. new[] { train, OfFormat(train, validation), OfFormat(train, test) }.OfType<Part>()];
            (IReadOnlyList<TrainingRow> kept, IReadOnlyList<TrainingRow> heldOut) = validation is null ? Split(train.Rows, settings.ValidationSplit) : (train.Rows, validation.Rows);
            int longest = RowEncoder.LongestRow(model.Config, settings.MaxSeqLength);
            IReadOnlyList<TrainingRow> Packed(IReadOnlyList<TrainingRow> rows) => TrainingOptions.PackingOf(settings) is { } strategy ? Packing.Pack(rows, longest, strategy) : rows;
            kept = Packed(kept);
            IReadOnlyList<TrainingRow> tested = test?.Rows ?? [];
            if (settings.KeepsWholeRows()) (heldOut, tested) = (Packed(heldOut), Packed(tested)); // As TRL: what was not cut is too long as it is.
            List<string> warnings = [.. parts.SelectMany(part => part.Warnings).Select(warning => warning.ToString())];
            if (settings.TooLong(model.Config) is { } longer) warnings.Add(longer);
            if (validation is null && settings.ValidationSplit > 0 && heldOut.Count == 0 && kept.Count > 0)
                warnings.Add($"validation_split {settings.ValidationSplit.ToString(CultureInfo.InvariantCulture)} of {kept.Count} rows holds none out: there is no validation.");
            return new TrainingData(
                kept, heldOut, tested, settings.TemplateOf(train.Format), parts.FirstOrDefault(part => part.Problems.Count > 0)?.Param,
                [.. parts.SelectMany(part => part.Problems)], warnings, train.Truncated)
            { Held = held, Format = train.Format };
        }
        catch
        {
            held.ForEach(file => file.Dispose());
            throw;
        }
    }

    /// <summary>The file's rows become tokens as they are read; of a file with problems the rest is only read.</summary>
    private async Task<Part> ReadFile(FileBytes file, string param, RowEncoder encoder, JobSettings settings, int? mostRows, List<IDisposable> held, CancellationToken cancel)
    {
        await using Stream bytes = await blobs.Open(file.TenantId, file.Sha256, $"file '{file.Filename}'", cancel);
        var reader = new DatasetReader(bytes, file.Filename, settings.Columns());
        var rows = new RowFile(directory.Temporary, disk.Require);
        held.Add(rows);
        EncodedRows encoded = encoder.Encode(reader.Rows().Take(mostRows ?? int.MaxValue).Where(_ => !reader.HasProblems), rows, file.Filename, cancel);
        return new Part(
            file.Filename, param, encoded.Rows, reader.Format, reader.HasProblems ? reader.Problems : encoded.Problems,
            [.. reader.Warnings, .. encoded.Warnings], encoded.Truncated);
    }

    /// <summary>One adapter is trained on one prompt: all files have to be put into the same.</summary>
    private static Part? OfFormat(Part train, Part? other) => other is null || other.Format == train.Format || train.Problems.Count + other.Problems.Count > 0 ? other : other with
    {
        Problems =
        [
            new DatasetProblem(0, $"the {other.Param.Replace('_', ' ')} holds {other.Format.Name()} rows, the training file {train.Format.Name()} rows; use one format.")
            {
                File = other.Name,
            },
        ],
    };

    /// <summary>Every so many rows, one is held out: the same rows each time.</summary>
    private static (IReadOnlyList<TrainingRow>, IReadOnlyList<TrainingRow>) Split(IReadOnlyList<TrainingRow> rows, double share)
    {
        if (share == 0) return (rows, []);
        bool Held(int i) => Math.Floor((i + 1) * share) > Math.Floor(i * share);
        int[] all = [.. Enumerable.Range(0, rows.Count)];
        return (new SelectedRows(rows, [.. all.Where(i => !Held(i))]), new SelectedRows(rows, [.. all.Where(Held)]));
    }

    /// <param name="Name">The file's uploaded name.</param>
    /// <param name="Param">The field of the job that names it.</param>
    private sealed record Part(
        string Name, string Param, IReadOnlyList<TrainingRow> Rows, DatasetFormat Format, IReadOnlyList<DatasetProblem> Problems, IReadOnlyList<DatasetWarning> Warnings,
        int Truncated);
}
