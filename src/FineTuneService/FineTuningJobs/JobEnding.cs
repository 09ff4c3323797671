using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Webhooks;

namespace FineTuneService.FineTuningJobs;

/// <summary>What the ends of jobs have in common.</summary>
internal sealed class JobEnding(IServiceScopeFactory scopes, JobFolders folders, JobCheckpoints checkpoints, TimeProvider clock, ILogger<JobEnding> log)
{
    /// <summary>The run's loss, gradients or weights were no longer finite.</summary>
    public const string Diverged = "loss_not_finite";

    /// <summary>Ends the job as failed.</summary>
    /// <param name="problems">One event each; the error's message where there are none.</param>
    public async Task Fail(JobClaim claim, JobError error, CancellationToken giveUp, IReadOnlyList<string>? problems = null)
    {
        bool written = await claim.WriteSurely((db, job) =>
        {
            job.Status = JobStatus.Failed;
            job.ClaimId = null;
            job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
            job.Error = JsonSerializer.Serialize(error, Json.Options);
            db.Tell(job.TenantId, "fine_tuning.job.failed", job.Id, clock);
            foreach (string problem in problems ?? [error.Message]) db.Say(job, clock, problem, "error");
        }, giveUp);
        if (written) await Forget(claim.Job, JobStatus.Failed, keepCheckpoint: error.Code == Diverged);
    }

    /// <summary>Ends the job as its client wished.</summary>
    public void Cancel(FineTuneDbContext db, FineTuningJob job)
    {
        job.Status = JobStatus.Cancelled;
        job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
        db.Tell(job.TenantId, "fine_tuning.job.cancelled", job.Id, clock);
        db.Say(job, clock, "Fine-tuning job cancelled");
    }

    /// <summary>The job rests where it is, unless it was resumed before it had come to that.</summary>
    public void Pause(FineTuneDbContext db, FineTuningJob job)
    {
        job.ClaimId = null;
        job.Attempts = Math.Max(0, job.Attempts - 1);
        if (!job.PauseRequested) return;
        (job.PauseRequested, job.Status, job.EstimatedFinish) = (false, JobStatus.Paused, null);
        db.Say(job, clock, job.Step > 0 ? $"Fine-tuning job paused at step {job.Step}" : "Fine-tuning job paused");
    }

    /// <summary>An ended job's checkpoints are of no more use, but for the last good one of a run that diverged; and it lets go of its files' bytes.</summary>
    public async Task Forget(FineTuningJob job, string status, bool keepCheckpoint = false)
    {
        JobTrace.Ended(job, status, clock);
        if (!keepCheckpoint) folders.Remove(job.Id);
        if (status == JobStatus.Cancelled) await checkpoints.RemoveAll(job.Id);
        try
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out _);
            var files = scope.ServiceProvider.GetRequiredService<FileStore>();
            foreach (string sha256 in new[] { job.TrainingSha256, job.ValidationSha256, job.TestSha256 }.OfType<string>()) await files.Release(job.TenantId, sha256);
        }
        catch (Exception failure) when (StorageTrouble.Passes(failure))
        {
            log.LogWarning(failure, "What job {Job} held of its files is not removed yet; the next start does it", job.Id);
        }
    }

    public static bool KeepsCheckpoint(FineTuningJob job) =>
        job.Error is { } error && JsonSerializer.Deserialize<JobError>(error, Json.Options)?.Code == Diverged;
}
