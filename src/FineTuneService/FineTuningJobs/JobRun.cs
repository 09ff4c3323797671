using System.Diagnostics;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>A claimed job's training, on the device's thread from the first step to the saved adapter.</summary>
internal sealed class JobRun(JobClaim claim, JobSettings settings, TrainingData data, ModelEntry model, DataDirectory directory, ResidentModels resident, DeviceLease lease)
{
    // A span for every step would be most of a trace; these show its course.
    private const int TracedEvery = 10;

    /// <summary>Where the job's checkpoints are.</summary>
    public static string CheckpointFolder(DataDirectory directory, string jobId) => Path.Combine(directory.Jobs, jobId);

    /// <summary>Trains, and writes the adapter to a temporary folder unless the run was stopped.</summary>
    /// <param name="stop">Whether the run is to end at the next step's boundary.</param>
    /// <returns>How it ended, and the adapter's folder; null where it was stopped.</returns>
    public (RunFinished Finished, string? Folder) Run(JobProgressWriter progress, Func<bool> stop)
    {
        using ModelUse? use = resident.UseForJob(model.Folder, settings.Precision, $"job {claim.Job.Id}", stop);
        if (use is null) return (new RunFinished(claim.Job.Step, Stopped: true, 0, null, null), null);
        using var trainer = new Trainer(
            use.Model.Base, settings.For(data.Train.Count), data.Train, data.Validation, CheckpointFolder(directory, claim.Job.Id));
        using Adapter adapter = trainer.Adapter!;
        RunFinished finished = trainer.Run(happened => Tell(progress, happened), stop, lease.Offer);
        return finished.Stopped || finished.Diverged is not null ? (finished, null) : (finished, Save(adapter));
    }

    private string Save(Adapter adapter)
    {
        using Activity? save = Telemetry.Source.StartActivity(Telemetry.Spans.Save);
        string folder = directory.NewTemporaryFolder();
        PeftFolder.Save(adapter, folder, model.Id);
        data.Template?.Save(folder);
        return folder;
    }

    private void Tell(JobProgressWriter progress, TrainingEvent happened)
    {
        if (happened is StepFinished step)
        {
            var model = new KeyValuePair<string, object?>(Telemetry.Keys.RequestModel, claim.Job.Model);
            Telemetry.StepSeconds.Record(step.Duration.TotalSeconds, model);
            Telemetry.TrainedTokens.Add(step.Tokens, model);
            if (step.Step % TracedEvery == 1) Trace(step);
        }
        progress.Add(happened);
    }

    private static void Trace(StepFinished step)
    {
        using Activity? span = Telemetry.Source.StartActivity(Telemetry.Spans.Step, ActivityKind.Internal, default(ActivityContext), startTime: DateTimeOffset.UtcNow - step.Duration);
        span?.SetTag(Telemetry.Keys.Step, step.Step).SetTag(Telemetry.Keys.Loss, step.Loss);
    }
}
