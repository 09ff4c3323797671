using System.Collections.Concurrent;
using FineTuneService.Batches;
using FineTuneService.Completions;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.FineTuningJobs;
using FineTuneService.Usage;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Tenants;

/// <summary>
/// Erases a tenant. Its row is marked first, in the transaction that takes its keys and webhooks and ends its waiting jobs and batches: from then on
/// nobody comes in, and a start goes on with the rest. Then what works for it is ended and waited for, and what is loaded let go of; and then
/// nothing stands in the way of removing the rest.
/// </summary>
internal sealed class TenantErasure(
    IServiceScopeFactory scopes, TenantRequests requests, TenantRemains remains, DeviceLease lease, ResidentModels resident, JobSignal jobs, BatchSignal batches, Answering answering, UsageWriter usage,
    RateLimits limits, TimeProvider clock, ILogger<TenantErasure> log)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentDictionary<string, Lazy<Task>> _underWay = new();

    /// <returns>Ends when nothing is left; null where there is no such tenant. It goes on whoever waits for it.</returns>
    public async Task<Task?> Begin(string tenant)
    {
        if (!await Mark(tenant)) return null;
        return _underWay.GetOrAdd(tenant, _ => new Lazy<Task>(() => Task.Run(() => Erase(tenant)))).Value;
    }

    private async Task<bool> Mark(string tenant)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        long now = clock.GetUtcNow().ToUnixTimeSeconds(), nowMilliseconds = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return await db.InTransaction(async () =>
        {
            if (await db.Tenants.IgnoreQueryFilters().FirstOrDefaultAsync(row => row.Id == tenant) is not { } row) return false;
            row.DeletedAt ??= now;
            await db.SaveChangesAsync();
            await db.ApiKeys.Where(key => key.TenantId == tenant).ExecuteDeleteAsync();
            await db.WebhookDeliveries.Where(delivery => delivery.TenantId == tenant).ExecuteDeleteAsync();
            await db.WebhookEndpoints.Where(endpoint => endpoint.TenantId == tenant).ExecuteDeleteAsync();
            IQueryable<FineTuningJob> unfinished = db.Jobs.Where(job => job.TenantId == tenant && job.Status != JobStatus.Succeeded && job.Status != JobStatus.Failed && job.Status != JobStatus.Cancelled);
            await unfinished.ExecuteUpdateAsync(set => set.SetProperty(job => job.CancelRequested, true));
            await unfinished.Where(job => job.ClaimId == null || job.ClaimExpiresAt < nowMilliseconds)
                .ExecuteUpdateAsync(set => set.SetProperty(job => job.Status, JobStatus.Cancelled).SetProperty(job => job.ClaimId, (string?)null));
            await db.Batches.Where(batch => batch.TenantId == tenant && BatchStatus.UnderWay.Contains(batch.Status)).ExecuteUpdateAsync(set => set.SetProperty(batch => batch.Status, BatchStatus.Cancelled));
            return true;
        });
    }

    private async Task Erase(string tenant)
    {
        try
        {
            Task requestsEnded = requests.Close(tenant);
            await EndWork(tenant);
            await requestsEnded;
            await EndWork(tenant); // One of them may have made a job before it was cut.
            await LetGo(tenant);
            await usage.Write(CancellationToken.None); // What is still counted for it is of no tenant.
            await using (scopes.SystemScope(out FineTuneDbContext db)) remains.Remove(db, tenant);
            limits.Forget(tenant);
            requests.Open(tenant);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Tenant {Tenant} is not erased yet; DELETE it again, or the next start goes on", tenant);
            throw;
        }
        finally
        {
            _underWay.TryRemove(tenant, out _);
        }
    }

    /// <summary>Until no worker and no answer has anything of the tenant's.</summary>
    private async Task EndWork(string tenant)
    {
        await Mark(tenant);
        while (true)
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            List<string> claimed = await db.Jobs.Where(job => job.TenantId == tenant && job.ClaimId != null && job.ClaimExpiresAt >= now).Select(job => job.Id).ToListAsync();
            List<string> running = (await db.Batches.Where(batch => batch.TenantId == tenant).Select(batch => batch.Id).ToListAsync()).FindAll(batches.IsRunning);
            if (claimed.Count + running.Count == 0 && !answering.IsUnderWay(tenant)) return;
            claimed.ForEach(jobs.Wish);
            running.ForEach(batches.Cancelled);
            await Task.Delay(Look, clock);
        }
    }

    /// <summary>What is loaded of the tenant's adapters and models.</summary>
    private async Task LetGo(string tenant)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        List<string> loaded = await db.Adapters.Where(row => row.TenantId == tenant).Select(row => row.Id).Concat(db.Models.Where(row => row.TenantId == tenant).Select(row => row.Folder)).ToListAsync();
        await lease.Serve("forget", () =>
        {
            loaded.ForEach(resident.Forget);
            return true;
        });
    }
}
