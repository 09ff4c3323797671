using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// A worker's hold on a job. It is renewed while the worker lives, whatever the database does meanwhile; every write asks, in its own
/// transaction, whether the row still has this claim's random id, so a worker that lost it writes nothing.
/// </summary>
internal sealed class JobClaim : IAsyncDisposable
{
    // Also how soon a client's wish to cancel is seen.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _clock;
    private readonly ILogger<JobClaim> _log;
    private readonly TimeSpan _length;
    private readonly CancellationTokenSource _ended = new(), _stop = new();
    private readonly Task _renewal;
    private volatile bool _lost, _cancelRequested;
    private long _renewedAt;

    public JobClaim(IServiceScopeFactory scopes, TimeProvider clock, ILogger<JobClaim> log, TimeSpan length, FineTuningJob job, string claimId)
    {
        (_scopes, _clock, _log, _length, Job, Id) = (scopes, clock, log, length, job, claimId);
        (_renewedAt, _cancelRequested) = (clock.GetTimestamp(), job.CancelRequested);
        _renewal = Renew();
    }

    public string Id { get; }

    /// <summary>The row as it was when it was claimed.</summary>
    public FineTuningJob Job { get; }

    /// <summary>Another worker has the job now: nothing more is written.</summary>
    public bool Lost => _lost;

    /// <summary>It could not be renewed for so long that another worker may take the job. It may also come back.</summary>
    public bool Expired => _clock.GetElapsedTime(Interlocked.Read(ref _renewedAt)) > _length;

    /// <summary>A client has asked for the job's end.</summary>
    public bool CancelRequested => _cancelRequested;

    /// <summary>The work is to end at its next good place.</summary>
    public bool StopRequested => _lost || _cancelRequested || Expired;

    /// <summary>Ends what waits, for the same reasons.</summary>
    public CancellationToken Stop => _stop.Token;

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

    /// <summary>
    /// The same, tried again while the database is locked or the disk full: what training took hours for is not thrown away for a minute's
    /// trouble. It ends once the row says whose the job is.
    /// </summary>
    /// <exception cref="OperationCanceledException">The service ends first; the job is resumed by the next.</exception>
    public async Task<bool> WriteSurely(Action<FineTuneDbContext, FineTuningJob> change, CancellationToken giveUp)
    {
        for (bool told = false; ; told = true)
        {
            try
            {
                return await Write(change);
            }
            catch (Exception failure) when (StorageTrouble.Passes(failure))
            {
                if (!told) _log.LogWarning(failure, "Job {Job} cannot be written; it is tried again", Job.Id);
                await Task.Delay(LongestPause, _clock, giveUp);
            }
        }
    }

    /// <summary>Lets go of the job, whatever its state now is.</summary>
    /// <param name="failed">Whether it counts as an attempt that came to nothing.</param>
    public Task<bool> Release(bool failed, CancellationToken giveUp) => WriteSurely((_, job) =>
    {
        job.ClaimId = null;
        if (!failed) job.Attempts = Math.Max(0, job.Attempts - 1);
    }, giveUp);

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _renewal.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ended.Dispose();
        _stop.Dispose();
    }

    private async Task Renew()
    {
        using var timer = new PeriodicTimer(_length / 10 < LongestPause ? _length / 10 : LongestPause, _clock);
        while (await timer.WaitForNextTickAsync(_ended.Token))
        {
            try
            {
                await RenewOnce();
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                _log.LogWarning(failure, "The claim on job {Job} could not be renewed; it is tried again", Job.Id);
            }
            if (StopRequested) await _stop.CancelAsync();
        }
    }

    private async Task RenewOnce()
    {
        await using AsyncServiceScope scope = _scopes.SystemScope(out FineTuneDbContext db);
        long asked = _clock.GetTimestamp(), until = (_clock.GetUtcNow() + _length).ToUnixTimeMilliseconds();
        int held = await db.Jobs.Where(row => row.Id == Job.Id && row.ClaimId == Id)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.ClaimExpiresAt, until), _ended.Token);
        if (held == 0) _lost = true;
        else Interlocked.Exchange(ref _renewedAt, asked);
        _cancelRequested |= await db.Jobs.AnyAsync(row => row.Id == Job.Id && row.CancelRequested, _ended.Token);
    }
}
