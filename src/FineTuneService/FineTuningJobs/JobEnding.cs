using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>What the ends of jobs have in common.</summary>
internal sealed class JobEnding(IServiceScopeFactory scopes, JobFolders folders, TimeProvider clock, ILogger<JobEnding> log)
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
            foreach (string problem in problems ?? [error.Message]) db.Say(job, clock, problem, "error");
        }, giveUp);
        if (written) await Forget(claim.Job, JobStatus.Failed, keepCheckpoint: error.Code == Diverged);
    }

    /// <summary>Ends the job as its client wished.</summary>
    public void Cancel(FineTuneDbContext db, FineTuningJob job)
    {
        job.Status = JobStatus.Cancelled;
        job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
        db.Say(job, clock, "Fine-tuning job cancelled");
    }

    /// <summary>An ended job's checkpoints are of no more use, but for the last good one of a run that diverged; and it lets go of its files' bytes.</summary>
    public async Task Forget(FineTuningJob job, string status, bool keepCheckpoint = false)
    {
        JobTrace.Ended(job, status, clock);
        if (!keepCheckpoint) folders.Remove(job.Id);
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
