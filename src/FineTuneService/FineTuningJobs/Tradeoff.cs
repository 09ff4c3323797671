using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Models;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Trains a few steps and tells what they took. Such a run takes its turn among the work that shares the device, while a job trains too: the job
/// stands still for it, as it does for answers, and is paid back; answers are served between its decoder blocks. Nothing of it is kept.
/// </summary>
internal sealed class Tradeoff(DeviceLease lease, ResidentModels resident, DataDirectory directory, TimeProvider clock)
{
    private const string User = "a tradeoff";

    /// <summary>Others wait for their turn meanwhile.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <param name="row">Given back with what was measured.</param>
    /// <param name="config">What is trained on the base, and how many steps.</param>
    /// <param name="cancel">The client has gone: the run ends at its next step.</param>
    public async Task<TradeoffRow> Measure(
        TradeoffRow row, string tenant, ModelEntry model, BasePrecision precision, TrainingConfig config, IReadOnlyList<TrainingRow> rows, CancellationToken cancel)
    {
        TradeoffRow measured;
        try
        {
            measured = await lease.Share(User, () => Run(row, model, precision, config with { SaveEvery = 0, EvalEvery = 0 }, rows, cancel), cancel, tenant);
        }
        catch (MemoryExceededException exceeded)
        {
            measured = row with { Refused = JobLimits.Exceeded(exceeded).Message };
        }
        cancel.ThrowIfCancellationRequested();
        return measured;
    }

    private TradeoffRow Run(TradeoffRow row, ModelEntry model, BasePrecision precision, TrainingConfig config, IReadOnlyList<TrainingRow> rows, CancellationToken cancel)
    {
        long began = clock.GetTimestamp();
        bool GivesUp() => cancel.IsCancellationRequested || clock.GetElapsedTime(began) > LongestWait;
        using ModelUse? use = resident.UseForJob(model.Folder, precision, User, GivesUp);
        using JobMemory? memory = use is null ? null : resident.MemoryForJob(JobLimits.BesideTheBase(model, precision, config, rows.Max(one => one.Longest)), User, GivesUp);
        if (memory is null) return row with { Refused = "The device's memory is in use; ask again in a moment." };
        string folder = directory.NewTemporaryFolder();
        try
        {
            // No checkpoint is written: the disk takes none.
            using var trainer = new Trainer(use!.Model.Base, config, rows, null, folder, _ => false, yieldPoint: lease.Yield, memory: new RunMemory(memory.Share));
            using Adapter adapter = trainer.Adapter!;
            var steps = new List<StepFinished>();
            RunFinished finished = trainer.Run(happened => { if (happened is StepFinished step) steps.Add(step); }, () => cancel.IsCancellationRequested, lease.Yield);
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
            Durable.Remove(folder);
        }
    }
}
