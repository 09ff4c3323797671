using FineTuneService.Data;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// A worker's hold on a job. It is renewed while the worker lives, on a thread of its own, so that neither training nor a crowded pool
/// of threads delays it; every write asks, in its own transaction, whether the row still has this claim's random id, so a worker that
/// lost it (stopped for longer than the claim holds, and woken) writes nothing.
/// </summary>
internal sealed class JobClaim : IAsyncDisposable
{
    // Also how soon a client's wish is seen by a worker in another process; in this one it is told.
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(1);

    private readonly IServiceScopeFactory _scopes;
    private readonly JobSignal _signal;
    private readonly TimeProvider _clock;
    private readonly ILogger<JobClaim> _log;
    private readonly TimeSpan _length;
    private readonly CancellationTokenSource _stop = new();
    private readonly AutoResetEvent _look = new(false);
    private readonly TaskCompletionSource _renewed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _ended, _released, _lost, _cancelRequested, _pauseRequested, _keepRequested;
    private long _renewedAt;

    public JobClaim(IServiceScopeFactory scopes, JobSignal signal, TimeProvider clock, ILogger<JobClaim> log, TimeSpan length, FineTuningJob job, string claimId)
    {
        (_scopes, _signal, _clock, _log, _length, Job, Id) = (scopes, signal, clock, log, length, job, claimId);
        (_renewedAt, _cancelRequested, _pauseRequested, _keepRequested) = (clock.GetTimestamp(), job.CancelRequested, job.PauseRequested, job.KeepRequested);
        _signal.Wished += Look;
        new Thread(Renew) { Name = $"claim {job.Id}", IsBackground = true }.Start();
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

    /// <summary>A client has asked that the job rest.</summary>
    public bool PauseRequested => _pauseRequested;

    /// <summary>A client has asked that the job end with what it has learned.</summary>
    public bool KeepRequested => _keepRequested;

    /// <summary>The work is to end at its next good place, and goes on from there, if at all, later.</summary>
    public bool StopRequested => _lost || _cancelRequested || _pauseRequested || Expired;

    /// <summary>Ends what waits, for the same reasons.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Changes the job, and rows that go with it, if the claim still holds. Nothing is written otherwise.</summary>
    public async Task<bool> Write(Action<FineTuneDbContext, FineTuningJob> change)
    {
        await using AsyncServiceScope scope = _scopes.SystemScope(out FineTuneDbContext db);
        // SQLite begins it as a writer, so the check and the writes are one.
        return await db.InTransaction(async () =>
        {
            FineTuningJob? job = await db.Jobs.FirstOrDefaultAsync(row => row.Id == Job.Id && row.ClaimId == Id);
            if (job is null)
            {
                Lose();
                return false;
            }
            change(db, job);
            _released = job.ClaimId != Id;
            await db.SaveChangesAsync();
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

    /// <summary>Whether the row says now that the job is this worker's: asked before a checkpoint takes its place among others.</summary>
    public bool Holds()
    {
        using AsyncServiceScope scope = _scopes.SystemScope(out FineTuneDbContext db);
        if (!_lost && !db.Jobs.Any(row => row.Id == Job.Id && row.ClaimId == Id)) Lose();
        return !_lost;
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
        _signal.Wished -= Look;
        _ended = true;
        _look.Set();
        await _renewed.Task;
        _stop.Dispose();
    }

    private void Look(string jobId)
    {
        if (jobId == Job.Id && !_ended) _look.Set();
    }

    private void Renew()
    {
        TimeSpan pause = _length / 10 < LongestPause ? _length / 10 : LongestPause;
        while (!_ended)
        {
            _look.WaitOne(pause);
            if (_ended) break;
            try
            {
                RenewOnce();
            }
            catch (Exception failure)
            {
                _log.LogWarning(failure, "The claim on job {Job} could not be renewed; it is tried again", Job.Id);
            }
            if (StopRequested) _ = _stop.CancelAsync();
        }
        _renewed.SetResult();
    }

    private void RenewOnce()
    {
        using AsyncServiceScope scope = _scopes.SystemScope(out FineTuneDbContext db);
        long asked = _clock.GetTimestamp(), until = (_clock.GetUtcNow() + _length).ToUnixTimeMilliseconds();
        int held = db.Jobs.Where(row => row.Id == Job.Id && row.ClaimId == Id).ExecuteUpdate(set => set.SetProperty(row => row.ClaimExpiresAt, until));
        if (held == 0 && !_ended && !_released) Lose();
        else Interlocked.Exchange(ref _renewedAt, asked);
        var wishes = db.Jobs.AsNoTracking().Where(row => row.Id == Job.Id).Select(row => new { row.CancelRequested, row.PauseRequested, row.KeepRequested }).FirstOrDefault();
        if (wishes is null) return;
        (_cancelRequested, _pauseRequested, _keepRequested) = (_cancelRequested | wishes.CancelRequested, wishes.PauseRequested, wishes.KeepRequested);
    }

    private void Lose()
    {
        if (!_lost) _log.LogWarning("The claim {Claim} on job {Job} is another worker's now, or nobody's: this one writes nothing more", Id, Job.Id);
        _lost = true;
    }
}
