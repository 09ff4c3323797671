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

/// <summary>Evaluates a file's rows on one model after the other. One evaluation at a time: each holds a file and buffers.</summary>
internal sealed class Evaluating(DeviceLease lease, ResidentModels resident, BlobStore blobs, IOptions<FineTuneOptions> options)
{
    private readonly SemaphoreSlim _turn = new(1);
    private int _waiting;

    /// <param name="cancel">The client has gone: the evaluation ends after the batch that runs.</param>
    public async Task<(Evaluated?, EvaluationRefusal?)> Run(StoredFile file, IReadOnlyList<ServedModel> models, CancellationToken cancel)
    {
        if (Interlocked.Increment(ref _waiting) > options.Value.MaxWaitingRequests)
        {
            Interlocked.Decrement(ref _waiting);
            return (null, new EvaluationRefusal(EvaluationRefusalKind.Full, "The service is full; try again in a moment."));
        }
        try
        {
            await _turn.WaitAsync(cancel);
            try
            {
                return await RunInTurn(file, models, cancel);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private async Task<(Evaluated?, EvaluationRefusal?)> RunInTurn(StoredFile file, IReadOnlyList<ServedModel> models, CancellationToken cancel)
    {
        Dataset dataset = await Task.Run(() => Read(file), cancel);
        if (dataset.Problems.Count > 0)
            return (null, EvaluationRefusal.BadRows("The file cannot be evaluated.", [.. dataset.Problems.Select(problem => problem.ToString())]));
        int most = options.Value.MaxEvaluationRows;
        if (dataset.Rows.Count > most)
        {
            return (null, new EvaluationRefusal(EvaluationRefusalKind.TooManyRows,
                $"The file has {dataset.Rows.Count} rows; an evaluation takes at most {most} (FineTune:MaxEvaluationRows). Upload a sample of them."));
        }
        var results = new List<ModelResult>();
        var warnings = new List<string>();
        foreach (ServedModel served in models)
        {
            await using var run = new ModelRun(served, lease, resident);
            (ModelResult? result, EvaluationRefusal? refusal) = await run.Evaluate(dataset, warnings, cancel);
            if (refusal is not null) return (null, refusal);
            results.Add(result!);
        }
        return (new Evaluated(dataset.Rows.Count, results, [.. warnings.Distinct()]), null);
    }

    private Dataset Read(StoredFile file)
    {
        using Stream bytes = blobs.Open(file.TenantId, file.Sha256);
        return Dataset.Read(bytes, file.Filename);
    }
}
