using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// A worker's hold on a job. It is renewed while the worker lives; every write asks, in its own transaction, whether the row still
/// has this claim's random id, so a worker that lost it writes nothing.
/// </summary>
internal sealed class JobClaim : IAsyncDisposable
{
    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _length;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _renewal;
    private volatile bool _lost, _cancelRequested;

    private JobClaim(IServiceScopeFactory scopes, TimeProvider clock, TimeSpan length, FineTuningJob job, string claimId)
    {
        (_scopes, _clock, _length, Job, Id) = (scopes, clock, length, job, claimId);
        _renewal = Renew();
    }

    public string Id { get; }

    /// <summary>The row as it was when it was claimed.</summary>
    public FineTuningJob Job { get; }

    /// <summary>Another worker may have the job now.</summary>
    public bool Lost => _lost;

    /// <summary>A client has asked for the job's end.</summary>
    public bool CancelRequested => _cancelRequested;

    /// <summary>Claims the oldest job in one of these states that nobody holds, or returns null.</summary>
    public static async Task<JobClaim?> Take(IServiceScopeFactory scopes, TimeProvider clock, TimeSpan length, CancellationToken cancel, params string[] states)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        while (true)
        {
            long now = clock.GetUtcNow().ToUnixTimeMilliseconds();
            FineTuningJob? job = await db.Jobs.AsNoTracking().Where(row => states.Contains(row.Status) && (row.ClaimId == null || row.ClaimExpiresAt < now))
                .OrderBy(row => row.Number).FirstOrDefaultAsync(cancel);
            if (job is null) return null;
            string claim = Guid.NewGuid().ToString("n");
            int taken = await db.Jobs.Where(row => row.Id == job.Id && row.ClaimId == job.ClaimId && row.Status == job.Status)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.ClaimId, claim).SetProperty(row => row.ClaimExpiresAt, now + (long)length.TotalMilliseconds), cancel);
            if (taken == 1) return new JobClaim(scopes, clock, length, job, claim);
        }
    }

    /// <summary>Changes the job, and rows that go with it, if the claim still holds. Nothing is written otherwise.</summary>
    public async Task<bool> Write(Action<FineTuneDbContext, FineTuningJob> change)
    {
        return await SqliteRetry.Pipeline.ExecuteAsync(async _ =>
        {
            await using AsyncServiceScope scope = _scopes.SystemScope(out FineTuneDbContext db);
            // SQLite begins it as a writer, so the check and the writes are one.
            await using var transaction = await db.Database.BeginTransactionAsync();
            FineTuningJob? job = await db.Jobs.FirstOrDefaultAsync(row => row.Id == Job.Id && row.ClaimId == Id);
            if (job is null)
            {
                _lost = true;
                return false;
            }
            change(db, job);
            await db.SaveChangesAsync();
            await transaction.CommitAsync();
            return true;
        });
    }

    /// <summary>Lets go of the job, whatever its state now is.</summary>
    public Task<bool> Release() => Write((_, job) => job.ClaimId = null);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _renewal.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
    }

    private async Task Renew()
    {
        using var timer = new PeriodicTimer(_length / 10, _clock);
        while (await timer.WaitForNextTickAsync(_ended.Token))
        {
            await using AsyncServiceScope scope = _scopes.SystemScope(out FineTuneDbContext db);
            long until = (_clock.GetUtcNow() + _length).ToUnixTimeMilliseconds();
            int held = await db.Jobs.Where(row => row.Id == Job.Id && row.ClaimId == Id)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.ClaimExpiresAt, until), _ended.Token);
            _lost |= held == 0;
            _cancelRequested |= await db.Jobs.AnyAsync(row => row.Id == Job.Id && row.CancelRequested, _ended.Token);
        }
    }
}
