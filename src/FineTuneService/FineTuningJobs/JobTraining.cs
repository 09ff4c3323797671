using System.Diagnostics;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Receipts;

namespace FineTuneService.FineTuningJobs;

/// <summary>A claimed job's way from queued, or from the step where a dead process left it, to its adapter.</summary>
internal sealed class JobTraining(
    JobFiles files, JobEnding ending, JobResult result, JobEvaluation evaluation, JobRepeats repeats, JobLimits limits, JobFolders folders, JobCheckpoints checkpoints, ReceiptWriter receipts, DataDirectory directory,
    DiskSpace disk, DeviceLease lease, ResidentModels resident, IServiceScopeFactory scopes, TimeProvider clock)
{
    /// <param name="stopping">The service ends: the run stops at its next step, and is resumed by the next start.</param>
    /// <param name="giveUp">What could not be written until now is left.</param>
    public async Task Run(JobClaim claim, CancellationToken stopping, CancellationToken giveUp)
    {
        using Activity? trace = JobTrace.Begin(claim.Job, clock);
        using (Telemetry.Source.StartActivity(Telemetry.Spans.Claim))
        {
            if (!await claim.Write(Begin)) return;
        }
        JobRuntime runtime = await Runtime(claim.Job);
        (TrainingData data, ModelEntry model) = await files.Read(claim, stopping);
        using TrainingData held = data;
        JobSettings settings = JobSettings.Of(claim.Job);
        TrainingEstimate estimate = JobLimits.Estimate(model, settings, data);
        JobError? refused = limits.Refuse(estimate) ?? await limits.WaitForSpace(claim, estimate, stopping);
        if (refused is not null)
        {
            await ending.Fail(claim, refused, giveUp);
            return;
        }
        // Its hash is part of the receipt; the device's thread is not to wait while a large base is read.
        await Task.Run(() => receipts.OfBase(model.Folder), stopping);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(claim.Stop, stopping);
        try
        {
            await evaluation.Before(claim, settings, model, stop.Token);
            for (int number = JobRepeats.Ended(claim.Job); ; number++)
            {
                var run = new JobRun(claim, JobRepeats.Settings(settings, number), data, model, directory, disk, folders, checkpoints, receipts, resident, lease, clock, runtime);
                if (!await Once(claim, run, model, last: number + 1 >= settings.Repeats, stop.Token, stopping, giveUp)) return;
            }
        }
        catch (OperationCanceledException) when (claim.StopRequested && !stopping.IsCancellationRequested)
        {
            await Leave(claim, giveUp); // In the middle of an evaluation.
        }
    }

    /// <returns>Whether another training is to follow.</returns>
    private async Task<bool> Once(JobClaim claim, JobRun run, ModelEntry model, bool last, CancellationToken stop, CancellationToken stopping, CancellationToken giveUp)
    {
        try
        {
            RunFinished? finished = await Train(claim, run, stopping, giveUp);
            if (last || finished?.Diverged is not null || IsKept(run, finished)) await End(claim, finished, run, model, stop, giveUp);
            else if (finished is not { Stopped: false } || claim.StopRequested) await Leave(claim, giveUp);
            else return await repeats.Keep(claim, run.Settings, run, finished, model, stop);
            return false;
        }
        finally
        {
            if (run.HasTensors) await lease.Serve("forget a run", () => Forget(run), CancellationToken.None);
        }
    }

    private void Begin(FineTuneDbContext db, FineTuningJob job)
    {
        if (job.StartedAt is null) JobTrace.Started(job, clock);
        if (job.Status == JobStatus.Queued) db.Say(job, clock, job.StartedAt is null ? "Fine-tuning job started" : "Fine-tuning job goes on");
        job.Status = JobStatus.Running;
        job.StartedAt ??= clock.GetUtcNow().ToUnixTimeSeconds();
    }

    /// <returns>How the run ended, or null where it was to stop before the device was free for it.</returns>
    private async Task<RunFinished?> Train(JobClaim claim, JobRun run, CancellationToken stopping, CancellationToken giveUp)
    {
        var progress = new JobProgressWriter(claim, checkpoints, clock, run.IsOwn ? null : run.Settings.Seed);
        Task writing = progress.Run(giveUp);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(claim.Stop, stopping);
        try
        {
            return await lease.Train($"job {claim.Job.Id}", () => run.Train(progress, () => claim.StopRequested || stopping.IsCancellationRequested), stop.Token, claim.Job.TenantId);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            progress.End();
            await writing;
        }
    }

    private async Task End(JobClaim claim, RunFinished? finished, JobRun run, ModelEntry model, CancellationToken stop, CancellationToken giveUp)
    {
        if (claim.Lost) return;
        if (!claim.CancelRequested && finished?.Diverged is { } why)
        {
            await ending.Fail(claim, new JobError(JobEnding.Diverged, why + ".", null), giveUp);
        }
        else if (claim.CancelRequested || finished is null || (finished.Stopped && !IsKept(run, finished)) || !await result.Keep(claim, finished, run, model, stop, giveUp))
        {
            await Leave(claim, giveUp);
        }
    }

    /// <summary>The job ends as its client wished, or goes on from its checkpoint, here or after the next start.</summary>
    private async Task Leave(JobClaim claim, CancellationToken giveUp)
    {
        if (claim.Lost) return;
        if (claim.CancelRequested) await result.Cancel(claim, giveUp);
        else if (claim.PauseRequested) await claim.WriteSurely((db, job) => ending.Pause(db, job), giveUp);
        else await claim.Release(failed: false, giveUp);
    }

    /// <summary>Whether the run was stopped so that what it has learned be kept.</summary>
    private static bool IsKept(JobRun run, RunFinished? finished) => run.KeptEarly is not null && finished is { Stopped: true, Step: > 0 };

    private async Task<JobRuntime> Runtime(FineTuningJob job)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await JobRuntime.Of(job, JobSettings.Of(job), db);
    }

    private static bool Forget(JobRun run)
    {
        run.Dispose();
        return true;
    }
}
