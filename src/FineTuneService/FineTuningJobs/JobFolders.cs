using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>The jobs' checkpoint folders, one a job, under its id.</summary>
internal sealed class JobFolders(DataDirectory directory, IServiceScopeFactory scopes, TimeProvider clock, ILogger<JobFolders> log)
{
    /// <summary>How long the last good checkpoint of a run that diverged stays.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(7);

    public string Of(string jobId) => Path.Combine(directory.Jobs, jobId);

    /// <summary>The job's checkpoints are of no more use.</summary>
    public void Remove(string jobId)
    {
        try
        {
            Durable.Remove(Of(jobId));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            log.LogWarning(failure, "The checkpoints of job {Job} could not be removed; the next start tries again", jobId);
        }
    }

    /// <summary>Removes folders that no unfinished job needs: a process that was killed at a job's end left them.</summary>
    public async Task Collect(CancellationToken cancel)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        long since = (clock.GetUtcNow() - Kept).ToUnixTimeSeconds();
        foreach (string folder in Directory.EnumerateFileSystemEntries(directory.Jobs, "ftjob-*"))
        {
            string id = Path.GetFileName(folder);
            FineTuningJob? job = await db.Jobs.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id, cancel);
            if (job is not null && (!JobStatus.IsEnd(job.Status) || (JobEnding.KeepsCheckpoint(job) && job.FinishedAt > since))) continue;
            Durable.Remove(folder);
            log.LogInformation("Removed {Folder}: no unfinished job needs it", folder);
        }
    }
}
