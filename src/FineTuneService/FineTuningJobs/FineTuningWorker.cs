using System.Diagnostics;
using System.Text.Json;
using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Takes jobs from their rows: files are validated as they come, and one job after the other trains. A job that was running when the
/// process died goes on from its last checkpoint.
/// </summary>
internal sealed class FineTuningWorker(
    IServiceScopeFactory scopes, JobSignal signal, BlobStore blobs, DataDirectory directory, DeviceLease lease, ResidentModels resident, TimeProvider clock,
    IOptions<FineTuneOptions> options, ILogger<FineTuningWorker> log) : BackgroundService
{
    // An error holds the first problems; the events hold them all.
    private const int ProblemsShown = 10;

    private readonly TimeSpan _claimLength = TimeSpan.FromSeconds(options.Value.ClaimSeconds);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        await ReleaseDeadClaims(stopping);
        await Task.WhenAll(
            Work([JobStatus.ValidatingFiles], Validate, signal.WaitToValidate, stopping),
            Work([JobStatus.Running, JobStatus.Queued], Train, signal.WaitToTrain, stopping));
    }

    /// <summary>The data directory's lock says that no other worker lives: what is claimed was a dead process's.</summary>
    private async Task ReleaseDeadClaims(CancellationToken stopping)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        await db.Jobs.Where(job => job.ClaimId != null).ExecuteUpdateAsync(set => set.SetProperty(job => job.ClaimId, (string?)null), stopping);
    }

    private async Task Work(string[] states, Func<JobClaim, CancellationToken, Task> work, Func<CancellationToken, Task> wait, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                JobClaim? claim;
                while ((claim = await JobClaim.Take(scopes, clock, _claimLength, stopping, states)) is not null)
                {
                    await using (claim) await Guarded(claim, work, stopping);
                }
                await wait(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                log.LogError(failure, "The worker goes on after a failure");
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stopping);
            }
        }
    }

    /// <summary>One job's failure is that job's, not the worker's.</summary>
    private async Task Guarded(JobClaim claim, Func<JobClaim, CancellationToken, Task> work, CancellationToken stopping)
    {
        try
        {
            await work(claim, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await claim.Release();
        }
        catch (Exception failure) when (failure is ArgumentException or ModelException or SafetensorsException)
        {
            await Fail(claim, new JobError("invalid_configuration", failure.Message, null));
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Job {Job} failed", claim.Job.Id);
            await Fail(claim, new JobError("server_error", "The service failed while it ran this job; its log says why. Create the job again.", null));
        }
    }

    private async Task Validate(JobClaim claim, CancellationToken stopping)
    {
        (TrainingData data, _) = await ReadData(claim, stopping);
        if (data.Problems.Count > 0)
        {
            await Fail(claim, new JobError("invalid_training_file", $"{data.Problems.Count} problems: {string.Join("; ", data.Problems.Take(ProblemsShown))}", "training_file"), data.Problems);
            return;
        }
        await claim.Write((db, job) =>
        {
            job.Status = job.CancelRequested ? JobStatus.Cancelled : JobStatus.Queued;
            job.Warnings = JsonSerializer.Serialize(data.Warnings);
            job.TotalSteps = Settings(job).For(data.Train.Count) is { } config ? config.MaxSteps ?? config.Epochs * Steps(data.Train.Count, config) : null;
            job.ClaimId = null;
            foreach (string warning in data.Warnings) db.Say(job, clock, warning, "warn");
            db.Say(job, clock, $"Files validated: {data.Train.Count} training and {data.Validation.Count} validation rows, {data.Tokens} tokens; job queued");
        });
        signal.Queued();

        static int Steps(int rows, TrainingConfig config)
        {
            int batch = config.MicroBatchSize * config.GradientAccumulationSteps;
            return (rows + batch - 1) / batch;
        }
    }

    private async Task Train(JobClaim claim, CancellationToken stopping)
    {
        using Activity? trace = JobTrace.Begin(claim.Job, clock);
        using (Telemetry.Source.StartActivity(Telemetry.Spans.Claim))
        {
            bool begun = await claim.Write((db, job) =>
            {
                if (job.Status == JobStatus.Queued) db.Say(job, clock, "Fine-tuning job started");
                job.Status = JobStatus.Running;
                job.StartedAt ??= clock.GetUtcNow().ToUnixTimeSeconds();
            });
            if (!begun) return;
        }
        (TrainingData data, ModelEntry model) = await ReadData(claim, stopping);
        var run = new JobRun(claim, Settings(claim.Job), data, model, directory, resident, lease);
        var progress = new JobProgressWriter(claim, clock);
        Task writing = progress.Run();
        (RunFinished Finished, string? Folder) result;
        try
        {
            ExecutionContext? context = ExecutionContext.Capture();
            result = await lease.Train($"job {claim.Job.Id}", () => InContext(context!, () =>
                run.Run(progress, () => claim.Lost || claim.CancelRequested || stopping.IsCancellationRequested)), CancellationToken.None);
        }
        finally
        {
            progress.End();
            await writing;
        }
        await End(claim, result.Finished, result.Folder, model);
    }

    /// <summary>The device's thread works under the job's trace.</summary>
    private static T InContext<T>(ExecutionContext context, Func<T> work)
    {
        T result = default!;
        ExecutionContext.Run(context, _ => result = work(), null);
        return result;
    }

    private async Task End(JobClaim claim, RunFinished finished, string? folder, ModelEntry model)
    {
        if (claim.Lost) return;
        if (folder is null && !claim.CancelRequested)
        {
            await claim.Release(); // The service stops; the next start goes on from the checkpoint.
            return;
        }
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext own);
        AdapterEntry? adapter = folder is null ? null
            : scope.ServiceProvider.GetRequiredService<AdapterStore>().Add(folder, claim.Job.TenantId, model.Id, Settings(claim.Job).Precision, claim.Job.Suffix);
        own.ChangeTracker.Clear();
        bool ended = await claim.Write((db, job) =>
        {
            job.ClaimId = null;
            job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
            if (adapter is null)
            {
                job.Status = JobStatus.Cancelled;
                db.Say(job, clock, "Fine-tuning job cancelled");
                return;
            }
            (adapter.JobId, adapter.TrainingFile, adapter.Step) = (job.Id, job.TrainingFile, finished.Step);
            db.Adapters.Add(adapter);
            job.Status = JobStatus.Succeeded;
            job.FineTunedModel = adapter.Model;
            job.TrainedTokens = finished.TrainedTokens;
            job.ValidationLoss = finished.ValidationLoss ?? job.ValidationLoss;
            db.Say(job, clock, $"New fine-tuned model created: {adapter.Model}");
            db.Say(job, clock, "The job has successfully completed");
        });
        if (!ended && adapter is not null) DataDirectory.Remove(adapter.Folder);
        if (ended) Forget(claim.Job.Id, adapter is null ? JobStatus.Cancelled : JobStatus.Succeeded);
    }

    private async Task Fail(JobClaim claim, JobError error, IReadOnlyList<string>? problems = null)
    {
        bool written = await claim.Write((db, job) =>
        {
            job.Status = JobStatus.Failed;
            job.ClaimId = null;
            job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
            job.Error = JsonSerializer.Serialize(error, Json.Options);
            foreach (string problem in problems ?? [error.Message]) db.Say(job, clock, problem, "error");
        });
        if (written) Forget(claim.Job.Id, JobStatus.Failed);
    }

    /// <summary>An ended job's checkpoints are of no more use.</summary>
    private void Forget(string jobId, string status)
    {
        Telemetry.Jobs.Add(1, new KeyValuePair<string, object?>("status", status));
        string folder = JobRun.CheckpointFolder(directory, jobId);
        if (Directory.Exists(folder)) DataDirectory.Remove(folder);
    }

    private async Task<(TrainingData, ModelEntry)> ReadData(JobClaim claim, CancellationToken cancel)
    {
        FineTuningJob job = claim.Job;
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        ModelEntry model = await db.Models.AsNoTracking().FirstOrDefaultAsync(row => row.Id == job.Model, cancel)
            ?? throw new ModelException($"the base model '{job.Model}' was deleted.");
        return (await TrainingData.Read(db, blobs, job.TrainingFile, job.ValidationFile, model.Folder, Settings(job), cancel), model);
    }

    private static JobSettings Settings(FineTuningJob job) => JsonSerializer.Deserialize<JobSettings>(job.Settings, Json.Options)!;
}
