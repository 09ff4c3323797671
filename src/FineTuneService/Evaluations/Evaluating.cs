using System.Collections.Concurrent;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation.Tasks;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Tokenizers;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Usage;
using Microsoft.Extensions.Options;

namespace FineTuneService.Evaluations;

/// <summary>What an evaluation came to.</summary>
/// <param name="Rows">Of the file; null without one.</param>
internal sealed record Evaluated(int? Rows, IReadOnlyList<ModelResult> Results, IReadOnlyList<string> Warnings);

/// <summary>Whose an evaluation is, and through which key.</summary>
/// <param name="Model">What it is counted under in the usage; null: each model's own name.</param>
internal sealed record EvaluatedFor(string Tenant, string Key, string? Model = null);

/// <summary>
/// Evaluates one model after the other. A tenant has one evaluation under way, as each holds files and buffers; those of different
/// tenants take turns on the device, batch by batch.
/// </summary>
internal sealed class Evaluating(
    DeviceLease lease, ResidentModels resident, ModelTexts texts, ModelAccess access, EncodingTurns encodings, TaskData taskData, BlobStore blobs, UsageMeter meter, TimeProvider clock, IOptions<FineTuneOptions> options)
{
    private const int MostAtOnce = 8;

    private readonly TenantPlaces _waiting = new(options.Value.MaxWaitingRequests);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _tenants = new();
    private readonly SemaphoreSlim _all = new(MostAtOnce);

    /// <param name="cancel">The client has gone: the evaluation ends after the row or batch that runs.</param>
    /// <exception cref="EvaluationRefused">It gives no figures.</exception>
    public async Task<Evaluated> Run(EvaluatedFor whom, EvaluationPlan plan, IReadOnlyList<ServedModel> models, CancellationToken cancel)
    {
        string tenant = whom.Tenant;
        if (!_waiting.TryTake(tenant))
            throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.Full, "You have as many evaluations waiting as the service takes at once; try again in a moment."));
        try
        {
            SemaphoreSlim own = _tenants.GetOrAdd(tenant, _ => new SemaphoreSlim(1));
            return await InTurn(own, () => InTurn(_all, () => RunInTurn(whom, plan, models, cancel), cancel), cancel);
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

    private async Task<Evaluated> RunInTurn(EvaluatedFor whom, EvaluationPlan plan, IReadOnlyList<ServedModel> models, CancellationToken cancel)
    {
        Dataset? rows = plan.File is null ? null : await Read(plan.File, plan, cancel);
        var tasks = new List<EvaluationTask>();
        foreach (PlannedTask planned in plan.Tasks) tasks.Add(await taskData.Read(planned, plan.Limit, cancel));
        var results = new List<ModelResult>();
        List<string> warnings = [.. rows?.Warnings.Select(warning => warning.ToString()) ?? []];
        foreach (ServedModel served in models) results.Add(await Evaluate(whom, plan, served, rows, tasks, warnings, cancel));
        return new Evaluated(rows?.Rows.Count, results, [.. warnings.Distinct()]);
    }

    private async Task<ModelResult> Evaluate(
        EvaluatedFor whom, EvaluationPlan plan, ServedModel served, Dataset? rows, IReadOnlyList<EvaluationTask> tasks, List<string> warnings, CancellationToken cancel)
    {
        try
        {
            void Count(long tokens) => meter.AddEvaluated(whom.Tenant, whom.Model ?? served.Adapter?.Model ?? served.Model, whom.Key, tokens, whom.Model is null ? served.Adapter?.Id : null);
            await using var run = new ModelRun(new ModelTurn(whom.Tenant, served, texts, access, lease, encodings, clock, Count), lease, resident.Budget, options.Value.MaxBatchRows);
            return await run.Evaluate(plan, rows, tasks, warnings, cancel);
        }
        catch (TimeoutException)
        {
            throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.BadRows, $"'{served.Name}' cannot be evaluated on this: making its prompts takes too long."));
        }
        catch (Exception damaged) when (damaged is ModelException or AdapterException or TensorFileException or ChatTemplateException or TokenizerException
            or IOException or InvalidDataException or ArgumentException)
        {
            throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.ModelUnusable, $"The model '{served.Name}' cannot be evaluated: {damaged.Message}", "models"));
        }
    }

    private async Task<Dataset> Read(StoredFile file, EvaluationPlan plan, CancellationToken cancel)
    {
        int most = options.Value.MaxEvaluationRows;
        await using Stream bytes = await blobs.Open(file.TenantId, file.Sha256, $"file '{file.Id}'", cancel);
        Dataset rows = await Task.Run(() => Dataset.Read(bytes, file.Filename, mostRows: Math.Min(plan.Limit ?? int.MaxValue, most + 1), plan.Columns), cancel);
        if (rows.Problems.Count > 0) throw new EvaluationRefused(EvaluationRefusal.BadRows("The file cannot be evaluated.", rows.Problems));
        if (rows.Rows.Count <= most) return rows;
        throw new EvaluationRefused(new EvaluationRefusal(EvaluationRefusalKind.TooManyRows,
            $"The file has more than {most} rows; an evaluation takes at most {most} (FineTune:MaxEvaluationRows). Give a limit, or upload a sample of them."));
    }
}
