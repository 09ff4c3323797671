using System.Text.Json;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Training;
using FineTuneService.Evaluations;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Usage;
using FineTuneService.Webhooks;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Keeps what a job came to. A disk that is full for a while, or a database that is locked, delays it: the adapter stays in memory, and
/// saving is tried again while the claim holds.
/// </summary>
internal sealed class JobResult(IServiceScopeFactory scopes, JobEnding ending, JobEvaluation evaluation, JobMetricsFile metrics, BlobStore blobs, DeviceLease lease, ResidentModels resident, TimeProvider clock, ILogger<JobResult> log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Other jobs wait meanwhile; the run's last checkpoint leads here again.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    /// <param name="stop">Ends the evaluation of what was trained.</param>
    /// <returns>False where the job is to be gone on with later.</returns>
    public async Task<bool> Keep(JobClaim claim, RunFinished finished, JobRun run, ModelEntry model, CancellationToken stop, CancellationToken giveUp)
    {
        using Phases.Under phase = Phases.Enter(Phase.Save);
        if (await Save(claim, run, model, giveUp) is not { } product) return false;
        IReadOnlyDictionary<string, TaskResult>? tasks = null;
        try
        {
            if (!claim.CancelRequested) tasks = await evaluation.After(claim, run.Settings, model, product, stop);
        }
        catch
        {
            await Forget(product);
            throw;
        }
        if (claim.CancelRequested)
        {
            await Forget(product);
            await Cancel(claim, giveUp);
            return true;
        }
        using ReceivedBlob? csv = await metrics.Write(claim.Job.Id, giveUp);
        bool ended = await End(claim, finished, run, product, tasks, csv, giveUp);
        if (ended || await IsRow(product)) await ending.Forget(claim.Job, JobStatus.Succeeded);
        else await Forget(product);
        return true;
    }

    /// <summary>The adapter, the file of metrics and the job's end: all of them, or none.</summary>
    private async Task<bool> End(
        JobClaim claim, RunFinished finished, JobRun run, JobProduct product, IReadOnlyDictionary<string, TaskResult>? tasks, ReceivedBlob? csv, CancellationToken giveUp)
    {
        using IDisposable? hold = csv is null ? null : await blobs.Hold(claim.Job.TenantId, csv.Sha256);
        return await claim.WriteSurely((db, job) =>
        {
            if (csv is not null) metrics.Keep(db, job, csv);
            // A try that did not come through may have given it a number.
            if (product.Adapter is { } adapter) (adapter.Number, adapter.Step) = (0, finished.KeptStep);
            else product.Whole!.Number = 0;
            product.Add(db);
            job.ClaimId = null;
            job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
            job.Status = JobStatus.Succeeded;
            job.FineTunedModel = product.Name;
            job.TrainedTokens = finished.TrainedTokens;
            job.EstimatedFinish = null;
            if (finished.Stopped) db.Say(job, clock, $"Stopped at step {finished.Step} of {job.TotalSteps}, {run.KeptEarly}; what it has learned is kept");
            Tell(db, job, finished, run.Settings, tasks);
            UsageRows.AddTrained(db, job, job.TrainedTokens!.Value - job.CountedTokens, clock); // Steps that an earlier version of the service did.
            job.ValidationLoss = finished.ValidationLoss ?? job.ValidationLoss;
            db.Say(job, clock, $"New fine-tuned model created: {product.Name}");
            db.Say(job, clock, "The job has successfully completed");
            db.Tell(job.TenantId, "fine_tuning.job.succeeded", job.Id, clock);
        }, giveUp);
    }

    /// <summary>The tasks' figures, with a warning for each that scores below the base; and those of all trainings, where there were several.</summary>
    private void Tell(FineTuneDbContext db, FineTuningJob job, RunFinished finished, JobSettings settings, IReadOnlyDictionary<string, TaskResult>? tasks)
    {
        if (settings.Repeats > 1)
        {
            JobRepeats.Add(job, finished, settings, tasks);
            job.TrainedTokens = JobRepeats.Tokens(job);
        }
        if (tasks is null) return;
        JobTasks both = (job.Evaluation is null ? new JobTasks() : JsonSerializer.Deserialize<JobTasks>(job.Evaluation, Json.Options)!) with { After = tasks };
        job.Evaluation = JsonSerializer.Serialize(both, Json.Options);
        db.Say(job, clock, $"The fine-tuned model was evaluated: {JobEvaluation.Told(tasks)}");
        foreach (string loss in both.Losses()) db.Warn(job, clock, loss);
    }

    /// <summary>An adapter or model that comes to no row.</summary>
    private async Task Forget(JobProduct product)
    {
        await lease.Serve("forget", () =>
        {
            resident.Forget(product.ResidentAs);
            return true;
        });
        Durable.Remove(product.Folder);
    }

    public async Task Cancel(JobClaim claim, CancellationToken giveUp)
    {
        bool ended = await claim.WriteSurely((db, job) =>
        {
            job.ClaimId = null;
            ending.Cancel(db, job);
        }, giveUp);
        if (ended) await ending.Forget(claim.Job, JobStatus.Cancelled);
    }

    /// <summary>What was trained, where adapters or models are, without a row yet; null where it could not be written in time.</summary>
    private async Task<JobProduct?> Save(JobClaim claim, JobRun run, ModelEntry model, CancellationToken giveUp)
    {
        long started = clock.GetTimestamp();
        for (bool told = false; ; told = true)
        {
            string? folder = null;
            try
            {
                folder = await lease.Serve($"save job {claim.Job.Id}", run.Save, giveUp);
                await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext own);
                var product = JobProduct.Keep(scope.ServiceProvider, folder, claim.Job, JobSettings.Of(claim.Job), model);
                own.ChangeTracker.Clear(); // It is stored with the job's end, or not at all.
                return product;
            }
            catch (Exception failure) when (StorageTrouble.Passes(failure))
            {
                if (!told) log.LogWarning(failure, "The adapter of job {Job} could not be saved; it is tried again", claim.Job.Id);
                if (folder is not null && Directory.Exists(folder)) Durable.Remove(folder);
            }
            if (claim.StopRequested || clock.GetElapsedTime(started) > Longest) return null;
            await Task.Delay(Pause, clock, giveUp);
        }
    }

    /// <summary>A commit whose answer was lost has ended the job all the same.</summary>
    private async Task<bool> IsRow(JobProduct product)
    {
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
        return await product.IsRow(db);
    }
}
