using System.Diagnostics;
using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Files;
using FineTuneService.Hosting;
using FineTuneService.Integrations;
using FineTuneService.Tenants;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>Takes a new job into the queue, within its tenant's limit; from then on its files' bytes are its own.</summary>
internal sealed class JobAdmission(FineTuneDbContext db, CurrentTenant tenant, StoredBytes stored, IOptions<FineTuneOptions> options, JobSignal signal, TimeProvider clock)
{
    /// <summary>The job's row, or why there is none.</summary>
    /// <param name="adapterBytes">What the job will come to: the tenant must have room for it.</param>
    public async Task<(FineTuningJob? Job, IResult? Refusal)> Add(CreateJobRequest body, JobSettings settings, long adapterBytes)
    {
        // Nobody deletes a file, and no other job comes, between the looks and the row.
        (FineTuningJob? Job, IResult? Refusal) added = await db.InTransaction<(FineTuningJob?, IResult?)>(async () =>
        {
            if (await Refuse(adapterBytes) is { } full) return (null, full);
            string? testFile = body.Dataset?.TestFile;
            StoredFile? training = await File(body.TrainingFile), validation = await File(body.ValidationFile), test = await File(testFile);
            if (training is null) return (null, FileNotFound("training_file", body.TrainingFile));
            if (validation is null && body.ValidationFile is { } missing) return (null, FileNotFound("validation_file", missing));
            if (test is null && testFile is not null) return (null, FileNotFound("dataset.test_file", testFile));
            FineTuningJob job = Row(body, settings, training, validation, test);
            db.Jobs.Add(job);
            db.Say(job, clock, $"Created fine-tuning job: {job.Id}");
            db.Say(job, clock, "Validating training file");
            await db.SaveChangesAsync();
            return (job, null);
        });
        if (added.Job is not null) signal.Created();
        return added;
    }

    public static IResult FileNotFound(string param, string id) =>
        Errors.Make(404, $"No such file: '{Errors.Clip(id)}'. Upload it with POST /v1/files first.", "file_not_found", param);

    private async Task<IResult?> Refuse(long adapterBytes)
    {
        string? own = await db.Tenants.Where(row => row.Id == tenant.Id).Select(row => row.Quotas).FirstOrDefaultAsync();
        int? quota = own is null ? null : JsonSerializer.Deserialize<Quotas>(own, Json.Options)?.QueuedJobs;
        int most = quota ?? options.Value.MaxQueuedJobs;
        int unfinished = await db.Jobs.CountAsync(job => job.Status != JobStatus.Succeeded && job.Status != JobStatus.Failed && job.Status != JobStatus.Cancelled);
        if (unfinished >= most)
        {
            return Errors.Make(429,
                $"You have {unfinished} jobs that have not ended, and {(quota is null ? "FineTune:MaxQueuedJobs" : "your quota queued_jobs")} allows {most}. Wait for one to end, or cancel one.", "too_many_jobs");
        }
        // Those that have not ended will come to adapters too, and mostly to ones like this.
        return await stored.Refusal(tenant.Id, adapterBytes * (unfinished + 1)) is { } refusal ? Errors.Unprocessable(refusal, "storage_limit_exceeded") : null;
    }

    private async Task<StoredFile?> File(string? id) => id is null ? null : await db.Files.AsNoTracking().FirstOrDefaultAsync(row => row.Id == id);

    private FineTuningJob Row(CreateJobRequest body, JobSettings settings, StoredFile training, StoredFile? validation, StoredFile? test) => new()
    {
        Id = Ids.New("ftjob"),
        TenantId = tenant.Id,
        Status = JobStatus.ValidatingFiles,
        Model = body.Model,
        TrainingFile = body.TrainingFile,
        TrainingSha256 = training.Sha256,
        TrainingFilename = training.Filename,
        ValidationFile = body.ValidationFile,
        ValidationSha256 = validation?.Sha256,
        ValidationFilename = validation?.Filename,
        TestFile = body.Dataset?.TestFile,
        TestSha256 = test?.Sha256,
        TestFilename = test?.Filename,
        Suffix = body.Suffix,
        Priority = body.Priority ?? 0,
        Settings = JsonSerializer.Serialize(settings, Json.Options),
        Metadata = body.Metadata is null ? null : JsonSerializer.Serialize(body.Metadata),
        Integrations = JobIntegrations.Stored(body.Integrations, options.Value.Mlflow),
        TrackingDueAt = body.Integrations is { Count: > 0 } ? clock.GetUtcNow().ToUnixTimeMilliseconds() : null,
        KeyId = tenant.KeyId,
        TraceParent = Activity.Current?.Id,
        CreatedAt = clock.GetUtcNow().ToUnixTimeSeconds(),
    };
}
