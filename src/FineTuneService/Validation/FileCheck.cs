using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Models;
using FineTuneService.Files;
using FineTuneService.FineTuningJobs;
using FineTuneService.Models;

namespace FineTuneService.Validation;

/// <summary>
/// Reads a file as a job would, row by row: of a row nothing is held but its length. It runs beside the device, one file of a tenant at a
/// time, on a thread that steps back where answers want the core.
/// </summary>
internal sealed class FileCheck(BlobStore blobs, ModelTexts texts, TimeProvider clock)
{
    /// <summary>What is not read by then is left; one row that takes that long again ends it.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1), GivenUp = 2 * Longest;

    private readonly EncodingTurns _turns = new(atOnce: 1);

    /// <param name="examples">How many of the first rows are shown.</param>
    /// <exception cref="DamagedBlobException">The file's bytes are not those that were uploaded.</exception>
    /// <exception cref="TimeoutException">One row takes too long.</exception>
    public Task<FileValidationBody> Run(StoredFile file, ModelEntry model, JobSettings settings, int examples, CancellationToken cancel) => _turns.Run(file.TenantId, () =>
    {
        // Where nobody waits any more, the thread ends at its next row.
        using var late = new CancellationTokenSource(GivenUp, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, late.Token);
        using Stream bytes = blobs.Open(file.TenantId, file.Sha256, $"file '{file.Id}'", stop.Token).GetAwaiter().GetResult();
        return Read(file, bytes, model.Id, texts.Of(model.Folder), settings, examples, stop.Token);
    }, GivenUp, cancel);

    private FileValidationBody Read(StoredFile file, Stream bytes, string name, ModelText model, JobSettings settings, int examples, CancellationToken cancel)
    {
        long began = clock.GetTimestamp();
        RowEncoder encoder = settings.Encoder(model);
        var counts = new RowCounts(encoder, RowEncoder.LongestRow(model.Config, settings.MaxSeqLength));
        var shown = new List<ExampleBody>();
        var reader = new DatasetReader(bytes, file.Filename, settings.Columns());
        bool outOfTime = false;
        int rows = 0;
        EncodedRows encoded = encoder.Encode(Rows(), (row, kept) =>
        {
            int cut = counts.Add(row, kept);
            if (shown.Count < examples) shown.Add(RowExample.Of(row.Line, encoder.Explain(row, kept), cut, model.RequireTokenizer()));
        }, file.Filename, cancel);
        // Where no row came through, the file's own problems say why.
        DatasetProblem[] problems = [.. reader.Problems.Concat(rows == 0 ? [] : encoded.Problems).OrderBy(problem => problem.Line)];
        bool complete = !outOfTime && problems.All(problem => problem.Count > 0);
        return new FileValidationBody(
            "file.validation", file.Id, name, problems.Length == 0 && rows > 0, complete, rows > 0 ? reader.Format : null, rows, counts.Rows, counts.Tokens, counts.TrainedTokens,
            counts.Lengths, counts.Histogram, counts.Truncation, problems.Sum(problem => problem.Count), [.. problems.Select(Body)], Warnings(), examples > 0 ? shown : null);

        IEnumerable<DatasetRow> Rows()
        {
            foreach (DatasetRow row in reader.Rows().Take(settings.MaxRows ?? int.MaxValue))
            {
                if (outOfTime = clock.GetElapsedTime(began) > Longest) break;
                rows++;
                yield return row;
            }
        }

        IReadOnlyList<WarningBody> Warnings()
        {
            string?[] own = [settings.TooLong(model.Config), outOfTime ? $"only the first {rows} rows were read, which took {Longest.TotalSeconds:0} seconds." : null];
            return [.. reader.Warnings.Concat(encoded.Warnings).Select(Body), .. own.OfType<string>().Select(message => new WarningBody(null, 1, message))];
        }
    }

    private static ProblemBody Body(DatasetProblem problem) => new(problem.Line == 0 ? [] : [problem.Line, .. problem.MoreLines], problem.Count, problem.Message);

    private static WarningBody Body(DatasetWarning warning) => new(warning.Line == 0 ? null : warning.Line, warning.Count, warning.Message);
}
