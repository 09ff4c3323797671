using FineTuneService.Data;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Which job comes next. The rows are the queue. A job that was under way goes on first; then tenants take turns, the one whose last turn
/// is longest ago before the others, so that nobody waits behind all the jobs of another; and of a tenant's own jobs, the most urgent.
/// </summary>
internal sealed class JobQueue(IServiceScopeFactory scopes, IOptions<FineTuneOptions> options, JobSignal signal, TimeProvider clock, ILogger<JobClaim> log)
{
    private readonly TimeSpan _claimLength = TimeSpan.FromSeconds(options.Value.ClaimSeconds);

    /// <summary>Claims the next job in one of these states that nobody holds, or returns null.</summary>
    public async Task<JobClaim?> Take(CancellationToken cancel, params string[] states)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        while (true)
        {
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds(), until = now + (long)_claimLength.TotalMilliseconds;
            IQueryable<FineTuningJob> free = db.Jobs.AsNoTracking().Where(row => states.Contains(row.Status) && (row.ClaimId == null || row.ClaimExpiresAt < now));
            if (await Next(db, free, training: states.Contains(JobStatus.Queued), cancel) is not { } job) return null;
            string claim = Guid.NewGuid().ToString("n");
            int taken = await db.Jobs.Where(row => row.Id == job.Id && row.ClaimId == job.ClaimId && row.Status == job.Status).ExecuteUpdateAsync(set => set
                .SetProperty(row => row.ClaimId, claim).SetProperty(row => row.ClaimExpiresAt, until).SetProperty(row => row.ClaimedAt, now)
                .SetProperty(row => row.Attempts, row => row.Attempts + 1), cancel);
            if (taken == 1) return new JobClaim(scopes, signal, clock, log, _claimLength, job, claim);
        }
    }

    /// <summary>The data directory's lock says that no other worker lives: what is claimed was a dead process's.</summary>
    public async Task ReleaseDeadClaims(CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        int released = await db.Jobs.Where(job => job.ClaimId != null).ExecuteUpdateAsync(set => set.SetProperty(job => job.ClaimId, (string?)null), cancel);
        if (released > 0) log.LogWarning("{Count} jobs were under way when the service ended; they go on from their last checkpoints", released);
    }

    private static async Task<FineTuningJob?> Next(FineTuneDbContext db, IQueryable<FineTuningJob> free, bool training, CancellationToken cancel)
    {
        if (await free.Where(row => row.Status == JobStatus.Running).OrderBy(row => row.Number).FirstOrDefaultAsync(cancel) is { } begun) return begun;
        IQueryable<FineTuningJob> urgent = free.Where(row => row.Priority == free.Where(other => other.TenantId == row.TenantId).Max(other => other.Priority));
        var oldest = await urgent.GroupBy(row => row.TenantId).Select(jobs => new { Tenant = jobs.Key, Number = jobs.Min(row => row.Number) }).ToListAsync(cancel);
        if (oldest.Count == 0) return null;
        string[] tenants = [.. oldest.Select(first => first.Tenant)];
        Dictionary<string, long> turns = await db.Jobs.Where(row => tenants.Contains(row.TenantId) && row.StartedAt != null == training)
            .GroupBy(row => row.TenantId).Select(jobs => new { Tenant = jobs.Key, Last = jobs.Max(row => row.ClaimedAt) })
            .ToDictionaryAsync(turn => turn.Tenant, turn => turn.Last, cancel);
        long next = oldest.OrderBy(first => turns.GetValueOrDefault(first.Tenant)).ThenBy(first => first.Number).First().Number;
        return await free.FirstOrDefaultAsync(row => row.Number == next, cancel);
    }
}
