using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// A job's checkpoints as models: the newest few adapters of its course, each usable by its name as any adapter is. What a run needs to go
/// on lies elsewhere (<see cref="JobFolders"/>).
/// </summary>
internal sealed class JobCheckpoints(IServiceScopeFactory scopes, ILogger<JobCheckpoints> log)
{
    /// <summary>Keeps the adapter as it is now, without a row yet. On the device's thread.</summary>
    /// <param name="write">Writes it into a temporary folder.</param>
    /// <returns>Null where the disk does not take it: the run goes on.</returns>
    public CheckpointKept? Save(FineTuningJob job, JobSettings settings, ModelEntry model, int step, Func<string> write)
    {
        string? folder = null;
        try
        {
            folder = write();
            using AsyncServiceScope scope = scopes.SystemScope(out _);
            return new CheckpointKept(step, JobProduct.Keep(scope.ServiceProvider, folder, job, settings, model, step));
        }
        catch (Exception failure) when (StorageTrouble.Passes(failure))
        {
            log.LogWarning(failure, "The checkpoint of step {Step} of job {Job} does not become a model", step, job.Id);
            if (folder is not null && Directory.Exists(folder)) Durable.Remove(folder);
            return null;
        }
    }

    /// <inheritdoc cref="AdapterStart.Folder"/>
    public string Start(InitFrom from) => AdapterStart.Folder(scopes, from);

    /// <summary>Lets go of all but the newest.</summary>
    public Task Prune(FineTuningJob job) => Remove(job.Id, keep: JobSettings.Of(job).SaveTotalLimit);

    /// <summary>Nothing of the job is kept.</summary>
    public Task RemoveAll(string jobId) => Remove(jobId, keep: 0);

    private async Task Remove(string jobId, int keep)
    {
        try
        {
            await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
            List<JobCheckpoint> old = await db.Checkpoints.AsNoTracking().Where(row => row.JobId == jobId).OrderByDescending(row => row.Step).Skip(keep).ToListAsync();
            foreach (JobCheckpoint checkpoint in old)
            {
                // One that an alias names stays until it does not.
                if (checkpoint.Model is { } name && await db.Aliases.AnyAsync(row => row.Target == name)) continue;
                await db.Checkpoints.Where(row => row.Id == checkpoint.Id).ExecuteDeleteAsync();
                if (await db.Adapters.AsNoTracking().FirstOrDefaultAsync(row => row.Id == checkpoint.AdapterId) is { } adapter)
                    await scope.ServiceProvider.GetRequiredService<AdapterStore>().Delete(adapter);
                else if (checkpoint.AdapterId is null && await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == checkpoint.Model) is { } whole)
                    await scope.ServiceProvider.GetRequiredService<ModelStore>().Delete(whole);
            }
        }
        catch (Exception failure) when (StorageTrouble.Passes(failure))
        {
            log.LogWarning(failure, "Old checkpoints of job {Job} are not removed yet; the next one's save does it", jobId);
        }
    }
}
