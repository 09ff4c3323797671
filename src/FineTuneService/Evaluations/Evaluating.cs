using System.Collections.Concurrent;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Datasets;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.Extensions.Options;

namespace FineTuneService.Evaluations;

/// <summary>The figures, or why there are none.</summary>
/// <param name="Rows">Of the file.</param>
internal sealed record Evaluated(int Rows, IReadOnlyList<ModelResult> Results, IReadOnlyList<string> Warnings);

/// <summary>
/// Evaluates a file's rows on one model after the other. A tenant has one evaluation under way, as each holds a file and buffers; those
/// of different tenants take turns on the device, batch by batch.
/// </summary>
internal sealed class Evaluating(DeviceLease lease, ModelTexts texts, ModelAccess access, EncodingTurns encodings, BlobStore blobs, IOptions<FineTuneOptions> options)
{
    private const int MostAtOnce = 8;

    private readonly TenantPlaces _waiting = new(options.Value.MaxWaitingRequests);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _tenants = new();
    private readonly SemaphoreSlim _all = new(MostAtOnce);

    /// <param name="cancel">The client has gone: the evaluation ends after the row or batch that runs.</param>
    public async Task<(Evaluated?, EvaluationRefusal?)> Run(string tenant, StoredFile file, IReadOnlyList<ServedModel> models, CancellationToken cancel)
    {
        if (!_waiting.TryTake(tenant))
            return (null, new EvaluationRefusal(EvaluationRefusalKind.Full, "You have as many evaluations waiting as the service takes at once; try again in a moment."));
        try
        {
            SemaphoreSlim own = _tenants.GetOrAdd(tenant, _ => new SemaphoreSlim(1));
            return await InTurn(own, () => InTurn(_all, () => RunInTurn(tenant, file, models, cancel), cancel), cancel);
        }
        finally
        {
            _waiting.Give(tenant);
        }
    }

    private static async Task<T> InTurn<T>(SemaphoreSlim turn, Func<Task<T>> run, CancellationToken cancel)
    {
        await turn.WaitAsync(cancel);
        try
        {
            return await run();
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<(Evaluated?, EvaluationRefusal?)> RunInTurn(string tenant, StoredFile file, IReadOnlyList<ServedModel> models, CancellationToken cancel)
    {
        Dataset dataset = await Read(file, cancel);
        if (dataset.Problems.Count > 0)
            return (null, EvaluationRefusal.BadRows("The file cannot be evaluated.", dataset.Problems));
        int most = options.Value.MaxEvaluationRows;
        if (dataset.Rows.Count > most)
        {
            return (null, new EvaluationRefusal(EvaluationRefusalKind.TooManyRows,
                $"The file has more than {most} rows; an evaluation takes at most {most} (FineTune:MaxEvaluationRows). Upload a sample of them."));
        }
        var results = new List<ModelResult>();
        List<string> warnings = [.. dataset.Warnings.Select(warning => warning.ToString())];
        foreach (ServedModel served in models)
        {
            await using var run = new ModelRun(tenant, served, lease, texts, access, encodings);
            (ModelResult? result, EvaluationRefusal? refusal) = await run.Evaluate(dataset, warnings, cancel);
            if (refusal is not null) return (null, refusal);
            results.Add(result!);
        }
        return (new Evaluated(dataset.Rows.Count, results, [.. warnings.Distinct()]), null);
    }

    private async Task<Dataset> Read(StoredFile file, CancellationToken cancel)
    {
        await using Stream bytes = await blobs.Open(file.TenantId, file.Sha256, $"file '{file.Id}'", cancel);
        return await Task.Run(() => Dataset.Read(bytes, file.Filename, mostRows: options.Value.MaxEvaluationRows + 1), cancel);
    }
}
