using System.Diagnostics;
using FineTuneService.Adapters;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>A claimed job's way from queued, or from the step where a dead process left it, to its adapter.</summary>
internal sealed class JobTraining(
    IServiceScopeFactory scopes, JobFiles files, JobEnding ending, DataDirectory directory, DeviceLease lease, ResidentModels resident, TimeProvider clock)
{
    public async Task Run(JobClaim claim, CancellationToken stopping)
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
        (TrainingData data, ModelEntry model) = await files.Read(claim, stopping);
        var run = new JobRun(claim, JobSettings.Of(claim.Job), data, model, directory, resident, lease);
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
        if (finished.Diverged is { } why && !claim.CancelRequested)
        {
            await ending.Fail(claim, new JobError("loss_not_finite", why, null));
            return;
        }
        if (folder is null && !claim.CancelRequested)
        {
            await claim.Release(); // The service stops; the next start goes on from the checkpoint.
            return;
        }
        await using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext own);
        AdapterEntry? adapter = folder is null ? null
            : scope.ServiceProvider.GetRequiredService<AdapterStore>().Add(folder, claim.Job.TenantId, model.Id, JobSettings.Of(claim.Job).Precision, claim.Job.Suffix);
        own.ChangeTracker.Clear();
        bool ended = await claim.Write((db, job) =>
        {
            job.ClaimId = null;
            if (adapter is null)
            {
                ending.Cancel(db, job);
                return;
            }
            job.FinishedAt = clock.GetUtcNow().ToUnixTimeSeconds();
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
        if (ended) ending.Forget(claim.Job, adapter is null ? JobStatus.Cancelled : JobStatus.Succeeded);
    }
}
