using System.Globalization;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>A job's numbers as a CSV file of its tenant, a row a step: what OpenAI's result_files name.</summary>
internal sealed class JobMetricsFile(IServiceScopeFactory scopes, BlobStore blobs, TimeProvider clock, ILogger<JobMetricsFile> log)
{
    private const string Purpose = "fine-tune-results";

    /// <summary>OpenAI's columns, then ours; others that a run tells of come behind them.</summary>
    private static readonly string[] Known = ["train_loss", "valid_loss", "valid_mean_token_accuracy", "learning_rate", "grad_norm", "tokens", "epoch", "seconds"];

    /// <summary>The file's bytes on the disk, not yet named; null where they cannot be written, which costs the job nothing else.</summary>
    public async Task<ReceivedBlob?> Write(string jobId, CancellationToken cancel)
    {
        try
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            var steps = new SortedDictionary<int, Dictionary<string, double>>();
            await foreach (Measurement measured in JobMetrics.Read(db, jobId))
            {
                if (!steps.TryGetValue(measured.Step, out Dictionary<string, double>? row)) steps[measured.Step] = row = [];
                row[measured.Key] = measured.Value;
            }
            string[] keys = [.. Known, .. steps.Values.SelectMany(row => row.Keys).Except(Known).Order(StringComparer.Ordinal)];
            using var csv = new MemoryStream();
            await using (var writer = new StreamWriter(csv, leaveOpen: true) { NewLine = "\n" })
            {
                await writer.WriteLineAsync("step," + string.Join(',', keys));
                foreach ((int step, Dictionary<string, double> row) in steps) await writer.WriteLineAsync(Line(step, row, keys));
            }
            csv.Position = 0;
            return await blobs.Receive(csv, long.MaxValue, cancel);
        }
        catch (Exception failure) when (StorageTrouble.Passes(failure))
        {
            log.LogWarning(failure, "The metrics of job {Job} could not be written to a file", jobId);
            return null;
        }
    }

    /// <summary>Gives the bytes their name and row, in the transaction that ends the job. The caller holds the blob's key.</summary>
    public void Keep(FineTuneDbContext db, FineTuningJob job, ReceivedBlob csv)
    {
        var file = new StoredFile
        {
            Id = Ids.New("file"),
            TenantId = job.TenantId,
            Filename = $"{job.Id}-metrics.csv",
            Purpose = Purpose,
            Bytes = csv.Bytes,
            Sha256 = csv.Sha256,
            CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
        };
        db.Files.Add(file);
        if (!csv.IsKept) blobs.Keep(job.TenantId, csv);
        job.ResultFile = file.Id;
    }

    private static string Line(int step, Dictionary<string, double> row, string[] keys) =>
        string.Create(CultureInfo.InvariantCulture, $"{step},") + string.Join(',', keys.Select(key => row.TryGetValue(key, out double value) ? value.ToString("R", CultureInfo.InvariantCulture) : ""));
}
