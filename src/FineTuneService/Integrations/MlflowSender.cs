using System.Collections.Concurrent;
using FineTuneService.Data;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.Integrations;

/// <summary>
/// Tells the tracking server of jobs that ask for it, from what is stored of them: training neither waits for it nor knows of it, and a start goes on where
/// the last process was. A server that is away is asked again, at ever longer pauses, until three days after the job's end.
/// </summary>
internal sealed class MlflowSender(IServiceScopeFactory scopes, MlflowRuns runs, IOptions<FineTuneOptions> options, TimeProvider clock, ILogger<MlflowSender> log) : BackgroundService
{
    private const int MostAtOnce = 4, MostOfATenant = 2, LookedAt = 256, EventsAtOnce = 500;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500), BetweenBatches = TimeSpan.FromSeconds(2), FirstDelay = TimeSpan.FromSeconds(1), LongestDelay = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestTrying = TimeSpan.FromHours(72);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _rest = new();
    private readonly SendingTurns _turns = new(MostAtOnce, MostOfATenant);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        while (options.Value.Mlflow.TrackingUri.Length > 0 && !stopping.IsCancellationRequested)
        {
            try
            {
                await Begin(stopping);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogWarning(failure, "MLflow waits: the jobs cannot be read");
            }
            await Task.Delay(Pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        await _turns.Ended().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task Begin(CancellationToken stopping)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        DateTimeOffset now = clock.GetUtcNow();
        long due = now.ToUnixTimeMilliseconds();
        var jobs = await db.Jobs.AsNoTracking().Where(row => row.TrackingDueAt <= due && (row.StartedAt != null || row.FinishedAt != null))
            .OrderBy(row => row.TrackingDueAt).Take(LookedAt).Select(row => new { row.Id, row.TenantId }).ToListAsync(stopping);
        foreach (var job in jobs)
        {
            if (_rest.GetValueOrDefault(job.Id) <= now) _turns.TryBegin(job.Id, job.TenantId, () => Guarded(job.Id, stopping));
        }
    }

    private async Task Guarded(string id, CancellationToken stopping)
    {
        try
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            try
            {
                await Send(db, id, stopping);
            }
            catch (MlflowRefusedException refused)
            {
                await GiveUp(db, id, refused.Code, refused.Message);
            }
            catch (Exception failure) when (failure is MlflowTroubleException or KeyNotFoundException or InvalidOperationException)
            {
                await Wait(db, id, failure);
            }
        }
        catch (OperationCanceledException)
        {
            // The next start goes on with it.
        }
        catch (Exception failure)
        {
            _rest[id] = clock.GetUtcNow() + LongestDelay;
            log.LogWarning(failure, "What is to be told to MLflow of job {Job} waits", id);
        }
    }

    /// <summary>Tells all that there is to tell now.</summary>
    private async Task Send(FineTuneDbContext db, string id, CancellationToken cancel)
    {
        while (await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel) is { } job)
        {
            TrackingState state = TrackingState.Of(job);
            if (state.RunId is null)
            {
                state = await BeginRun(job, state, cancel);
                await Write(db, id, state);
            }
            // A job that had ended has told all: its end is the last that is written.
            List<JobEvent> events = await db.JobEvents.AsNoTracking().Where(row => row.JobId == id && row.Type == "metrics" && row.Number > state.SentEvent)
                .OrderBy(row => row.Number).Take(EventsAtOnce).ToListAsync(cancel);
            if (events.Count == 0)
            {
                await EndRun(db, job, state, cancel);
                return;
            }
            (IReadOnlyList<MlflowPoint> points, IReadOnlyDictionary<string, int> sent) = MlflowPoints.Of(events, state.SentSteps);
            await runs.Log(state.RunId!, points, [], [], cancel);
            await Write(db, id, state with { SentEvent = events[^1].Number, SentSteps = sent, Attempts = 0, Error = null });
        }
        _rest.TryRemove(id, out _); // It was deleted.
    }

    private async Task<TrackingState> BeginRun(FineTuningJob job, TrackingState state, CancellationToken cancel)
    {
        MlflowBody asked = JobIntegrations.Of(job);
        string experiment = await runs.Experiment(asked.Experiment!, cancel);
        string run = await runs.Run(experiment, asked.RunName ?? job.Id, MlflowJob.Began(job), MlflowJob.Mark(job), MlflowJob.Tags(job, asked), cancel);
        await runs.Log(run, [], MlflowJob.Parameters(job), [], cancel);
        return state with { ExperimentId = experiment, RunId = run, Attempts = 0, Error = null };
    }

    private async Task EndRun(FineTuneDbContext db, FineTuningJob job, TrackingState state, CancellationToken cancel)
    {
        if (!JobStatus.IsEnd(job.Status))
        {
            _rest[job.Id] = clock.GetUtcNow() + BetweenBatches;
            return;
        }
        await runs.Log(state.RunId!, [], [], MlflowJob.Result(job), cancel);
        await runs.End(state.RunId!, MlflowJob.Status(job), job.FinishedAt!.Value * 1000, cancel);
        await Write(db, job.Id, state with { Ended = true, Attempts = 0, Error = null });
        _rest.TryRemove(job.Id, out _);
    }

    /// <summary>The server takes nothing now.</summary>
    private async Task Wait(FineTuneDbContext db, string id, Exception trouble)
    {
        if (await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id) is not { } job) return;
        TrackingState state = TrackingState.Of(job);
        DateTimeOffset now = clock.GetUtcNow();
        if (job.FinishedAt is { } end && now.ToUnixTimeSeconds() - end > LongestTrying.TotalSeconds)
        {
            await GiveUp(db, id, "unavailable", trouble.Message);
            return;
        }
        if (state.Attempts == 0) log.LogWarning("The MLflow server {Server} takes nothing of job {Job}: {Reason}. It is tried again", options.Value.Mlflow.TrackingUri, id, trouble.Message);
        TimeSpan delay = FirstDelay * Math.Pow(2, Math.Min(state.Attempts, 12));
        if (delay > LongestDelay) delay = LongestDelay;
        if (trouble is MlflowTroubleException { RetryAfter: { } asked } && asked > delay) delay = asked;
        // A tenant is not told where the server stands.
        await Write(db, id, state with { Attempts = state.Attempts + 1, Error = "The MLflow server takes nothing now; it is tried again." }, now + delay);
    }

    private async Task GiveUp(FineTuneDbContext db, string id, string code, string reason)
    {
        log.LogWarning("The MLflow server does not take job {Job} ({Code}): {Reason}. Nothing more of it is sent", id, code, reason);
        await db.InTransaction(async () =>
        {
            if (await db.Jobs.FirstOrDefaultAsync(row => row.Id == id) is not { } job) return 0;
            string error = $"The MLflow server does not take this job's run ({code}{(code == MlflowRuns.ExperimentDeleted ? ": " + reason : "")}); nothing more is sent to it. The job itself does not depend on it.";
            job.Tracking = (TrackingState.Of(job) with { Ended = true, Error = error }).ToJson();
            job.TrackingDueAt = null;
            db.Warn(job, clock, error);
            return await db.SaveChangesAsync();
        });
        _rest.TryRemove(id, out _);
    }

    /// <param name="due">When to go on; now unless given, and never where it has ended.</param>
    private async Task Write(FineTuneDbContext db, string id, TrackingState state, DateTimeOffset? due = null)
    {
        string stored = state.ToJson();
        long? at = state.Ended ? null : (due ?? clock.GetUtcNow()).ToUnixTimeMilliseconds();
        await db.InTransaction(() => db.Jobs.Where(row => row.Id == id).ExecuteUpdateAsync(set => set.SetProperty(row => row.Tracking, stored).SetProperty(row => row.TrackingDueAt, at)));
    }
}
