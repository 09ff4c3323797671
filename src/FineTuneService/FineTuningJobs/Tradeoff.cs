using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Training;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Trains a few steps with each precision and optimizer, and tells what they took. Each is a run of its own on the device, as a job's: it waits for jobs,
/// and answers are served within its steps. Nothing of it is kept.
/// </summary>
internal sealed class Tradeoff(DeviceLease lease, ResidentModels resident, DataDirectory directory)
{
    private const string User = "a tradeoff";

    /// <param name="cancel">The client has gone: the run ends at its next step.</param>
    public async Task<TradeoffRow> Measure(TradeoffRow row, JobSettings settings, TrainingData data, ModelEntry model, CancellationToken cancel)
    {
        var run = settings.For(data.Train.Count) with { SaveEvery = 0, EvalEvery = 0 };
        TradeoffRow? measured;
        try
        {
            measured = await lease.Train(User, () => Run(row, run, settings, data, model, cancel), cancel);
        }
        catch (MemoryExceededException exceeded)
        {
            measured = row with { Refused = JobLimits.Exceeded(exceeded).Message };
        }
        cancel.ThrowIfCancellationRequested();
        return measured!;
    }

    /// <returns>Null where the client had gone before its end.</returns>
    private TradeoffRow? Run(TradeoffRow row, TrainingConfig config, JobSettings settings, TrainingData data, ModelEntry model, CancellationToken cancel)
    {
        bool Stop() => cancel.IsCancellationRequested;
        using ModelUse? use = resident.UseForJob(model.Folder, settings.Precision, User, Stop);
        if (use is null) return null;
        using JobMemory? memory = resident.MemoryForJob(JobLimits.BesideTheBase(model, settings, data, config.MicroBatchSize), User, Stop);
        if (memory is null) return null;
        string folder = directory.NewTemporaryFolder();
        try
        {
            // No checkpoint is written: the disk takes none.
            using var trainer = new Trainer(use.Model.Base, config, data.Train, null, folder, _ => false, yieldPoint: lease.Offer, memory: new RunMemory(memory.Share));
            using Adapter adapter = trainer.Adapter!;
            var steps = new List<StepFinished>();
            RunFinished finished = trainer.Run(happened => { if (happened is StepFinished step) steps.Add(step); }, Stop, lease.Offer);
            if (finished.Stopped) return null;
            if (steps.Count == 0 || finished.Diverged is not null) return row with { Refused = finished.Diverged ?? "no step was done" };
            return row with
            {
                PeakBytes = trainer.HeldBytes,
                SecondsPerStep = Math.Round(steps.Skip(steps.Count > 1 ? 1 : 0).Average(step => step.Duration.TotalSeconds), 6),
                Loss = steps[^1].Loss,
            };
        }
        finally
        {
            DataDirectory.Remove(folder);
        }
    }
}
