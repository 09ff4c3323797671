using FineTuneService.Data;
using FineTuneService.Engine.Models;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>Reads what a job's row names: its files, as its base model's tokens.</summary>
internal sealed class JobFiles(IServiceScopeFactory scopes, BlobStore blobs)
{
    /// <exception cref="ModelException">The base was deleted, or cannot be read.</exception>
    public async Task<(TrainingData, ModelEntry)> Read(JobClaim claim, CancellationToken cancel)
    {
        FineTuningJob job = claim.Job;
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        ModelEntry model = await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == job.Model, cancel)
            ?? throw new ModelException($"the base model '{job.Model}' was deleted.");
        return (await TrainingData.Read(db, blobs, job.TrainingFile, job.ValidationFile, model.Folder, JobSettings.Of(job), cancel), model);
    }
}
