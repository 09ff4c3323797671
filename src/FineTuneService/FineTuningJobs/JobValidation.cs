using System.Text.Json;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>A claimed job's way from validating_files to queued, or to failed with what is wrong with its files.</summary>
internal sealed class JobValidation(JobFiles files, JobLimits limits, JobEnding ending, JobSignal signal, TimeProvider clock)
{
    public async Task Run(JobClaim claim, CancellationToken stopping)
    {
        using Phases.Under phase = Phases.Enter(Phase.Validation);
        (TrainingData data, ModelEntry model) = await files.Read(claim, stopping);
        using TrainingData held = data;
        if (data.Error is { } error)
        {
            // The error holds the first problems, the events all kinds of them.
            await ending.Fail(claim, error, stopping, [.. data.Problems.Select(problem => problem.ToString())]);
            return;
        }
        if ((JobSettings.Of(claim.Job).TooManySteps(data.Train.Count) ?? JobSettings.Of(claim.Job).NoValidation(data.Validation.Count)) is { } unfit)
        {
            await ending.Fail(claim, new JobError("invalid_configuration", unfit.Message + ".", unfit.Param), stopping);
            return;
        }
        if (limits.Refuse(JobLimits.Estimate(model, JobSettings.Of(claim.Job), data)) is { } tooMuch)
        {
            await ending.Fail(claim, tooMuch, stopping);
            return;
        }
        bool cancelled = false;
        bool written = await claim.WriteSurely((db, job) =>
        {
            job.ClaimId = null;
            job.Attempts = 0;
            cancelled = job.CancelRequested;
            if (job.CancelRequested)
            {
                ending.Cancel(db, job);
                return;
            }
            (job.Status, job.PauseRequested) = (job.PauseRequested ? JobStatus.Paused : JobStatus.Queued, false);
            string[] warnings = [.. JobAdvice.Of(JobSettings.Of(job), data.Format, data.Train.Count), .. data.Warnings];
            job.Warnings = JsonSerializer.Serialize(warnings);
            JobSettings settings = JobSettings.Of(job).Resolved(data.Train.Count);
            job.Settings = JsonSerializer.Serialize(settings, Json.Options);
            job.TotalSteps = settings.StepsFor(data.Train.Count);
            foreach (string warning in warnings) db.Say(job, clock, warning, "warn");
            db.Say(job, clock, $"Files validated: {data.Train.Count} training and {data.Validation.Count} validation rows, {data.Tokens} tokens; job {job.Status}");
        }, stopping);
        if (written && cancelled) await ending.Forget(claim.Job, JobStatus.Cancelled);
        signal.Queued();
    }
}
