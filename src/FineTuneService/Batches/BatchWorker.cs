using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using FineTuneService.Webhooks;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Batches;

/// <summary>Works on the tenants' batches: one of each tenant at a time, and each goes on where a dead process left it.</summary>
internal sealed class BatchWorker(IServiceScopeFactory scopes, BatchRun run, BatchFiles files, BatchSignal signal, Drain drain, TimeProvider clock, ILogger<BatchWorker> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var tenants = new Dictionary<string, Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (string ended in tenants.Where(entry => entry.Value.IsCompleted).Select(entry => entry.Key).ToList()) tenants.Remove(ended);
                await using (scopes.SystemScope(out FineTuneDbContext db))
                {
                    List<Batch> waiting = await db.Batches.AsNoTracking().Where(row => BatchStatus.UnderWay.Contains(row.Status)).OrderBy(row => row.Number).ToListAsync(stoppingToken);
                    foreach (Batch first in waiting.Where(batch => !drain.IsOn && !tenants.ContainsKey(batch.TenantId)).DistinctBy(batch => batch.TenantId)) tenants[first.TenantId] = Rest(first, stoppingToken);
                }
                await signal.Wait(stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogWarning(failure, "Batches could not be looked for; it is tried again");
                await Task.Delay(Pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        await Task.WhenAll(tenants.Values);
    }

    /// <summary>A service that is drained leaves its batches as one that stops does, and goes on with them should it be taken back.</summary>
    private async Task Rest(Batch batch, CancellationToken stopping)
    {
        using var resting = CancellationTokenSource.CreateLinkedTokenSource(stopping, drain.Begun);
        await Work(batch, resting.Token);
    }

    private async Task Work(Batch batch, CancellationToken stopping)
    {
        await Task.Yield();
        try
        {
            CancellationTokenSource cancelled = signal.Begin(batch.Id, stopping);
            await Advance(batch, cancelled.Token, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The next start goes on.
        }
        catch (DamagedBlobException damaged)
        {
            await End(batch, BatchStatus.Failed, new BatchProblem("file_damaged", damaged.Message, "input_file_id", null));
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Batch {Batch} could not go on; it is tried again", batch.Id);
            await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            signal.End(batch.Id);
            signal.Came();
        }
    }

    /// <summary>From whatever it is to its end.</summary>
    private async Task Advance(Batch batch, CancellationToken cancelled, CancellationToken stopping)
    {
        if (batch.Status == BatchStatus.Validating)
        {
            (int count, IReadOnlyList<BatchProblem> problems) = await run.Validate(batch, stopping);
            if (problems.Count > 0)
            {
                await End(batch, BatchStatus.Failed, [.. problems]);
                return;
            }
            await Change(batch, BatchStatus.Validating, set => (set.Status, set.Total, set.InProgressAt) = (BatchStatus.InProgress, count, Now));
        }
        if (await Status(batch) == BatchStatus.InProgress)
        {
            try
            {
                await run.Answer(batch, cancelled);
                await Change(batch, BatchStatus.InProgress, set => (set.Status, set.FinalizingAt) = (BatchStatus.Finalizing, Now));
            }
            catch (OperationCanceledException) when (cancelled.IsCancellationRequested && !stopping.IsCancellationRequested)
            {
                // Cancelled: what is answered is kept.
            }
        }
        await Finish(batch, stopping);
    }

    /// <summary>Makes the files, and ends the batch with them.</summary>
    private async Task Finish(Batch batch, CancellationToken stopping)
    {
        Batch now;
        HashSet<int> answered;
        bool output, errors;
        await using (scopes.SystemScope(out FineTuneDbContext db))
        {
            now = await db.Batches.AsNoTracking().FirstAsync(row => row.Id == batch.Id, stopping);
            if (now.Status is not (BatchStatus.Finalizing or BatchStatus.Cancelling)) return;
            var lines = await db.BatchLines.Where(row => row.BatchId == batch.Id).Select(row => new { row.Line, row.IsError }).ToListAsync(stopping);
            answered = [.. lines.Select(row => row.Line)];
            (output, errors) = (lines.Exists(row => !row.IsError), lines.Exists(row => row.IsError));
        }
        bool cancelling = now.Status == BatchStatus.Cancelling, expired = !cancelling && answered.Count < now.Total;
        IReadOnlyList<BatchOutput> left = expired || (cancelling && now.Total > 0)
            ? await run.Unanswered(now, answered, expired ? new BatchFailure("batch_expired", "This request could not be executed before the completion window expired.")
                : new BatchFailure("batch_cancelled", "This request was not executed because the batch was cancelled."), stopping) : [];
        string? outputId = output ? now.OutputFileId ?? Ids.New("file") : null, errorId = errors || left.Count > 0 ? now.ErrorFileId ?? Ids.New("file") : null;
        await Change(batch, now.Status, set => (set.OutputFileId, set.ErrorFileId) = (outputId, errorId));
        string? full = outputId is null ? null : await files.Make(now, outputId, errors: false, [], stopping);
        if (full is null && errorId is not null) full = await files.Make(now, errorId, errors: true, left, stopping);
        if (full is not null) await End(batch, BatchStatus.Failed, new BatchProblem("storage_limit_exceeded", full, null, null));
        else await End(batch, cancelling ? BatchStatus.Cancelled : expired ? BatchStatus.Expired : BatchStatus.Completed);
    }

    /// <summary>The end and its webhook leave together; the input's bytes go, where nothing else names them.</summary>
    private async Task End(Batch batch, string status, params BatchProblem[] problems)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        await db.InTransaction(async () =>
        {
            Batch row = await db.Batches.FirstAsync(row => row.Id == batch.Id);
            row.Status = status;
            if (problems.Length > 0) row.Errors = JsonSerializer.Serialize(problems, Json.Options);
            if (status == BatchStatus.Completed) row.CompletedAt = Now;
            if (status == BatchStatus.Failed) row.FailedAt = Now;
            if (status == BatchStatus.Expired) row.ExpiredAt = Now;
            if (status == BatchStatus.Cancelled) row.CancelledAt = Now;
            db.Tell(batch.TenantId, $"batch.{status}", batch.Id, clock);
            await db.SaveChangesAsync();
            return await db.BatchLines.Where(line => line.BatchId == batch.Id).ExecuteDeleteAsync();
        });
        await scope.ServiceProvider.GetRequiredService<FileStore>().Release(batch.TenantId, batch.InputSha256);
    }

    private async Task Change(Batch batch, string from, Action<Batch> change)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        await db.InTransaction(async () =>
        {
            if (await db.Batches.FirstOrDefaultAsync(row => row.Id == batch.Id && row.Status == from) is { } row) change(row);
            return await db.SaveChangesAsync();
        });
    }

    private async Task<string> Status(Batch batch)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await db.Batches.Where(row => row.Id == batch.Id).Select(row => row.Status).FirstAsync();
    }

    private long Now => clock.GetUtcNow().ToUnixTimeSeconds();
}
