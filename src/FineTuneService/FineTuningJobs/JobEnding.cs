using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>What the ends of jobs have in common.</summary>
internal sealed class JobEnding(DataDirectory directory, TimeProvider clock)
{
    /// <summary>Ends the job as failed.</summary>
    /// <param name="problems">One event each; the error's message where there are none.</param>
    public async Task Fail(JobClaim claim, JobError error, IReadOnlyList<string>? problems = null)
    {
        bool written = await claim.Write((db, job) =>
        {
            job.Status = JobStatus.Failed;
            job.ClaimId = null;
            job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
            job.Error = JsonSerializer.Serialize(error, Json.Options);
            foreach (string problem in problems ?? [error.Message]) db.Say(job, clock, problem, "error");
        });
        if (written) Forget(claim.Job, JobStatus.Failed);
    }

    /// <summary>Ends the job as its client wished.</summary>
    public void Cancel(FineTuneDbContext db, FineTuningJob job)
    {
        job.Status = JobStatus.Cancelled;
        job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
        db.Say(job, clock, "Fine-tuning job cancelled");
    }

    /// <summary>An ended job's checkpoints are of no more use.</summary>
    public void Forget(FineTuningJob job, string status)
    {
        JobTrace.Ended(job, status, clock);
        string folder = JobRun.CheckpointFolder(directory, job.Id);
        if (Directory.Exists(folder)) DataDirectory.Remove(folder);
    }
}
