using FineTuneService.Data;
using FineTuneService.Engine.Formats;
using FineTuneService.Files;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.FineTuningJobs;

/// <summary>A file's bytes, whether or not the file is still there: their tenant and hash, and what the file was named.</summary>
internal sealed record FileBytes(string TenantId, string Sha256, string Filename)
{
    public static FileBytes Of(StoredFile file) => new(file.TenantId, file.Sha256, file.Filename);
}

/// <summary>The files of a job.</summary>
internal sealed record JobFileBytes(FileBytes Training, FileBytes? Validation, FileBytes? Test);

/// <summary>Reads what a job's row names: its files, as its base model's tokens.</summary>
internal sealed class JobFiles(IServiceScopeFactory scopes, TrainingDataReader reader)
{
    /// <returns>The caller lets the data go.</returns>
    /// <exception cref="ModelException">The base was deleted, or cannot be read.</exception>
    public async Task<(TrainingData, ModelEntry)> Read(JobClaim claim, CancellationToken cancel)
    {
        FineTuningJob job = claim.Job;
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        ModelEntry model = await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == job.Model, cancel)
            ?? throw new ModelException($"the base model '{job.Model}' was deleted.");
        FileBytes? training = Of(job.TenantId, job.TrainingSha256, job.TrainingFilename), validation = Of(job.TenantId, job.ValidationSha256, job.ValidationFilename);
        // A job of an earlier version did not keep its files' bytes.
        if (training is null || (validation is null && job.ValidationFile is not null)) throw new ArgumentException("a file of the job was deleted before the job began; upload it again, and create the job again.");
        return (await reader.Read(new JobFileBytes(training, validation, Of(job.TenantId, job.TestSha256, job.TestFilename)), model.Folder, JobSettings.Of(job), cancel), model);
    }

    private static FileBytes? Of(string tenant, string? sha256, string? filename) => sha256 is null ? null : new FileBytes(tenant, sha256, filename!);
}
