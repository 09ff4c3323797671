using FineTuneService.Data;
using FineTuneService.Hosting;
using FineTuneService.Operators;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// What a client may ask of a job that has not ended: cancel, stop, pause, resume; and of one that has, to be deleted. Each answers once the
/// job is as asked, as the device lets go of a step in a moment; where that takes longer, with the job as it is.
/// </summary>
internal static class JobWishesApi
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    public static void MapJobWishes(this IEndpointRouteBuilder app)
    {
        RouteGroupBuilder jobs = app.MapGroup("/v1/fine_tuning/jobs/{id}").WithTags("Fine-tuning").Needs(Access.Tenant).TakenWhileDrained();
        jobs.MapPost("/cancel", Cancel).WithSummary("Cancel a job; nothing of it is kept").Answers(JobExamples.Cancelled);
        jobs.MapPost("/stop", Stop).WithSummary("End a job now, and keep what it has learned so far").Answers(JobExamples.Succeeded);
        jobs.MapPost("/pause", Pause).WithSummary("Let a job rest at its next step").Answers(JobExamples.Paused);
        jobs.MapPost("/resume", Resume).WithSummary("Let a paused job go on from where it was").Answers(JobExamples.Running);
        jobs.MapDelete("", Delete).WithSummary("Delete a job that has ended, with its events and checkpoints; its model stays").Answers(JobExamples.Deleted);
    }

    private static async Task<IResult> Cancel(string id, FineTuneDbContext db, JobEnding ending, JobSignal signal, JobEventWake wake, TimeProvider clock)
    {
        if (await Find(id, db) is not { } job) return NotFound(id);
        if (JobStatus.IsEnd(job.Status)) return Ended(job, "cancelled");
        bool ended = await db.InTransaction(async () =>
        {
            FineTuningJob row = await db.Jobs.FirstAsync(row => row.Id == id);
            row.CancelRequested |= !JobStatus.IsEnd(row.Status);
            bool idle = row.Status is JobStatus.Queued or JobStatus.Paused && row.ClaimId is null;
            if (idle) ending.Cancel(db, row);
            await db.SaveChangesAsync();
            return idle;
        });
        if (ended) await ending.Forget(job, JobStatus.Cancelled);
        else signal.Wish(id);
        return await Answer(id, db, wake, clock, row => JobStatus.IsEnd(row.Status));
    }

    private static async Task<IResult> Stop(string id, FineTuneDbContext db, JobSignal signal, JobEventWake wake, TimeProvider clock)
    {
        if (await Find(id, db) is not { } job) return NotFound(id);
        if (JobStatus.IsEnd(job.Status)) return Ended(job, "stopped");
        bool stops = await db.InTransaction(async () =>
        {
            FineTuningJob row = await db.Jobs.FirstAsync(row => row.Id == id);
            if (row.Step == 0 && row.Status != JobStatus.Running) return false;
            row.KeepRequested = true;
            if (row.Status == JobStatus.Paused) row.Status = JobStatus.Queued;
            await db.SaveChangesAsync();
            return true;
        });
        if (!stops) return Errors.Conflict("The job has not trained a step, so there is nothing to keep. Cancel it, or let it begin.", "job_not_begun");
        signal.Wish(id);
        signal.Queued();
        return await Answer(id, db, wake, clock, row => JobStatus.IsEnd(row.Status));
    }

    private static async Task<IResult> Pause(string id, FineTuneDbContext db, JobEnding ending, JobSignal signal, JobEventWake wake, TimeProvider clock)
    {
        if (await Find(id, db) is not { } job) return NotFound(id);
        if (JobStatus.IsEnd(job.Status)) return Ended(job, "paused");
        if (job.Status == JobStatus.Paused) return Errors.Conflict("The job is paused already; POST …/resume lets it go on.", "job_paused");
        await db.InTransaction(async () =>
        {
            FineTuningJob row = await db.Jobs.FirstAsync(row => row.Id == id);
            row.PauseRequested = !JobStatus.IsEnd(row.Status) && row.Status != JobStatus.Paused;
            if (row.Status == JobStatus.Queued && row.ClaimId is null) ending.Pause(db, row);
            return await db.SaveChangesAsync();
        });
        signal.Wish(id);
        return await Answer(id, db, wake, clock, row => row.Status == JobStatus.Paused || JobStatus.IsEnd(row.Status));
    }

    private static async Task<IResult> Resume(string id, FineTuneDbContext db, JobSignal signal, JobEventWake wake, TimeProvider clock)
    {
        if (await Find(id, db) is not { } job) return NotFound(id);
        bool resumed = await db.InTransaction(async () =>
        {
            FineTuningJob row = await db.Jobs.FirstAsync(row => row.Id == id);
            if (row.Status != JobStatus.Paused && (!row.PauseRequested || JobStatus.IsEnd(row.Status))) return false;
            row.PauseRequested = false;
            if (row.Status == JobStatus.Paused)
            {
                row.Status = JobStatus.Queued;
                db.Say(row, clock, "Fine-tuning job resumed");
            }
            await db.SaveChangesAsync();
            return true;
        });
        if (!resumed) return Errors.Conflict($"The job is {job.Status}; only one that is paused can be resumed.", "job_not_paused");
        signal.Queued();
        return await Answer(id, db, wake, clock, _ => true);
    }

    private static async Task<IResult> Delete(string id, FineTuneDbContext db, JobCheckpoints checkpoints)
    {
        if (await Find(id, db) is not { } job) return NotFound(id);
        if (!JobStatus.IsEnd(job.Status)) return Errors.Conflict($"The job is {job.Status}; cancel it first, or let it end.", "job_not_ended");
        await checkpoints.RemoveAll(id);
        int gone = await db.InTransaction(async () =>
        {
            await db.JobEvents.Where(row => row.JobId == id).ExecuteDeleteAsync();
            return await db.Jobs.Where(row => row.Id == id).ExecuteDeleteAsync();
        });
        return gone == 1 ? Results.Ok(new Deleted(id, "fine_tuning.job")) : NotFound(id);
    }

    private static Task<FineTuningJob?> Find(string id, FineTuneDbContext db) => db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id);

    private static IResult NotFound(string id) => Errors.NotFound("fine-tuning job", id);

    private static IResult Ended(FineTuningJob job, string asked) => Errors.Conflict($"The job is {job.Status}; only one that has not ended can be {asked}.", "job_ended");

    /// <summary>The job, once it is as asked.</summary>
    private static async Task<IResult> Answer(string id, FineTuneDbContext db, JobEventWake wake, TimeProvider clock, Predicate<FineTuningJob> asAsked)
    {
        long began = clock.GetTimestamp();
        try
        {
            while (true)
            {
                Task next = wake.Next(id);
                if (await Find(id, db) is not { } job) return NotFound(id); // Deleted meanwhile.
                TimeSpan left = LongestWait - clock.GetElapsedTime(began);
                if (asAsked(job) || left <= TimeSpan.Zero) return Results.Ok(JobBody.Of(job, null, clock));
                await next.WaitAsync(left).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        finally
        {
            wake.Leave(id);
        }
    }
}
