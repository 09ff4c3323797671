using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.FineTuningJobs;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Operators;

/// <summary>The queue as its operator sees it: every tenant's, where a tenant sees its own jobs alone.</summary>
internal sealed class QueueView(IServiceScopeFactory scopes, DeviceLease lease, TimeProvider clock)
{
    /// <summary>Jobs whose duration tells how long the next will take.</summary>
    private const int Lately = 20;

    public async Task<QueueBody> Read(CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        var unfinished = await db.Jobs.AsNoTracking().Where(job => job.Status != JobStatus.Succeeded && job.Status != JobStatus.Failed && job.Status != JobStatus.Cancelled)
            .Select(job => new { job.Id, job.TenantId, job.Status, job.Number, job.CreatedAt, job.EstimatedFinish }).ToListAsync(cancel);
        Dictionary<string, long> turns = await db.Jobs.Where(job => job.StartedAt != null).GroupBy(job => job.TenantId).Select(jobs => new { Tenant = jobs.Key, Last = jobs.Max(job => job.ClaimedAt) })
            .ToDictionaryAsync(turn => turn.Tenant, turn => turn.Last, cancel);
        List<long> durations = await db.Jobs.Where(job => job.Status == JobStatus.Succeeded && job.StartedAt != null && job.FinishedAt != null).OrderByDescending(job => job.Number).Take(Lately)
            .Select(job => job.FinishedAt!.Value - job.StartedAt!.Value).ToListAsync(cancel);
        IReadOnlyDictionary<string, double> seconds = lease.Log.SecondsByTenant();
        double all = seconds.Values.Sum();
        long now = clock.GetUtcNow().ToUnixTimeSeconds();
        var running = unfinished.FirstOrDefault(job => job.Status == JobStatus.Running);
        long? free = running is null ? now : Math.Max(running.EstimatedFinish ?? 0, now), each = durations.Count == 0 ? null : (long)durations.Average();
        var data = new List<QueueTenant>();
        foreach (var own in unfinished.GroupBy(job => job.TenantId).OrderBy(own => own.All(job => job.Status != JobStatus.Queued)).ThenBy(own => turns.GetValueOrDefault(own.Key)).ThenBy(own => own.Min(job => job.Number)))
        {
            int Count(string status) => own.Count(job => job.Status == status);
            bool waits = Count(JobStatus.Queued) > 0;
            data.Add(new QueueTenant(
                own.Key, data.Count + 1, Count(JobStatus.Queued), Count(JobStatus.Running), Count(JobStatus.Paused), Count(JobStatus.ValidatingFiles), all > 0 ? seconds.GetValueOrDefault(own.Key) / all : 0,
                waits ? now - own.Where(job => job.Status == JobStatus.Queued).Min(job => job.CreatedAt) : null,
                waits && (data.Count == 0 || each is not null) ? free + data.Count * (each ?? 0) : null));
        }
        return new QueueBody("queue", unfinished.Count(job => job.Status == JobStatus.Queued), running?.Id, data);
    }
}
