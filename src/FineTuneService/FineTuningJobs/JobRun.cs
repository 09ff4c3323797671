using System.Diagnostics;
using FineTuneService.Data;
using FineTuneService.Device;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Models;
using FineTuneService.Receipts;

namespace FineTuneService.FineTuningJobs;

/// <summary>A claimed job's training, and the adapter or model that it came to, which is here until it is safe. All on the device's thread.</summary>
internal sealed class JobRun(JobClaim claim, JobSettings settings, TrainingData data, ModelEntry model, DataDirectory directory, DiskSpace disk, JobFolders folders, JobCheckpoints checkpoints, ReceiptWriter receipts, ResidentModels resident, DeviceLease lease, TimeProvider clock, JobRuntime runtime) : IDisposable
{
    // A span for every step would be most of a trace; these show its course.
    private const int TracedEvery = 10;

    /// <summary>The device waits meanwhile.</summary>
    private static readonly TimeSpan LongestFlush = TimeSpan.FromSeconds(2);

    /// <summary>For whole micro batches; then for half of one.</summary>
    private static readonly TimeSpan LongestWaitForMemory = TimeSpan.FromSeconds(30);

    private Adapter? _adapter;
    private ModelCopy? _copy;
    private JobMemory? _memory;
    private Phases.Under? _saving;
    private int _step;

    public JobSettings Settings => settings;

    /// <summary>Whether it is the training whose adapter the job keeps: those with other seeds are figures alone.</summary>
    public bool IsOwn { get; } = settings.Seed == JobSettings.Of(claim.Job).Seed;

    /// <summary>Why it ends before its last step, and keeps what it has learned; null: it does not.</summary>
    public string? KeptEarly => claim.KeepRequested ? "as asked" : runtime.IsOver ? $"after its max_runtime of {settings.MaxRuntime} s" : _step >= settings.StopAfter ? "as the run that it reproduces" : null;

    /// <summary>Whether training has begun, so that there are tensors to let go of.</summary>
    public bool HasTensors => _adapter is not null || _copy is not null || _memory is not null;

    /// <summary>Trains until the end, or until the run is to stop at the next step's boundary.</summary>
    /// <exception cref="MemoryExceededException">It does not fit, even a row at a time.</exception>
    public RunFinished Train(JobProgressWriter progress, Func<bool> stop)
    {
        string user = $"job {claim.Job.Id}";
        bool full = settings.Technique == JobTechnique.Full;
        using ModelUse? use = full ? null : resident.UseForJob(model.Folder, settings.Precision, user, stop);
        if (full) _copy = resident.CopyForJob(model.Folder, settings.Precision, user, stop);
        BaseModel? trained = use?.Model.Base ?? _copy?.Base;
        RunMemory? memory = trained is null ? null : Memory(user, stop);
        if (memory is null) return new RunFinished(claim.Job.Step, Stopped: true, 0, null, null);
        using var trainer = new Trainer(trained!, settings.For(data.Train.Count), data.Train, data.Validation, folders.Of(claim.Job.Id), bytes => disk.Takes(bytes) && IsReadyToSave(progress),
            settings.InitFrom is { } from ? () => checkpoints.Start(from) : null, lease.Offer, memory);
        _adapter = trainer.Adapter;
        using Phases.Under phase = Phases.Enter(Phase.Step);
        RunFinished finished = trainer.Run(happened => Tell(progress, happened), () => stop() || (_step > 0 && KeptEarly is not null), lease.Offer);
        _step = finished.KeptStep;
        if (finished is { Stopped: false, Diverged: null } && data.Test.Count > 0) Tell(progress, Test(trained!, finished.Step));
        return finished;
    }

    /// <summary>A checkpoint takes its name once all steps before it are told of, and while the job is this worker's.</summary>
    /// <exception cref="IOException">It is not so; the run goes on, and saves later.</exception>
    private bool IsReadyToSave(JobProgressWriter progress)
    {
        _saving ??= Phases.Enter(Phase.Save);
        try
        {
            if (!progress.Flush(LongestFlush)) throw new IOException("the database does not take the run's progress");
            return claim.Holds() ? true : throw new IOException("another worker has the job");
        }
        catch (Exception failure) when (failure is not IOException && StorageTrouble.Passes(failure))
        {
            throw new IOException("the database does not answer", failure);
        }
    }

    /// <summary>Writes what was trained to a temporary folder; where that fails, nothing is left and it can be tried again.</summary>
    /// <exception cref="StorageException">The disk is full.</exception>
    /// <exception cref="IOException">It does not write.</exception>
    public string Save()
    {
        using Activity? save = Telemetry.Source.StartActivity(Telemetry.Spans.Save);
        save?.SetTag(Telemetry.Keys.Step, _step);
        long began = clock.GetTimestamp();
        disk.Require(_copy?.Base.Bytes ?? _adapter!.Bytes);
        string folder = directory.NewTemporaryFolder();
        try
        {
            if (_copy is not null) _copy.Base.Save(folder, settings.Precision.Dtype, lease.Breathe);
            else PeftFolder.Save(_adapter!, folder, model.Id);
            data.Template?.Save(folder);
            if (settings.ChatTemplate is { } template) AdapterChatTemplate.Save(template, folder);
            receipts.Write(folder, claim.Job, settings, model, _step);
            Telemetry.SaveSeconds.Record(clock.GetElapsedTime(began).TotalSeconds, new KeyValuePair<string, object?>(Telemetry.Keys.RequestModel, claim.Job.Model));
            return folder;
        }
        catch
        {
            Durable.Remove(folder);
            throw;
        }
    }

    public void Dispose()
    {
        _saving?.Dispose();
        _adapter?.Dispose();
        _memory?.Dispose();
        _copy?.Dispose();
    }

    /// <summary>Sets aside what training comes to need beside its base, with as many rows at a time as there will be room for.</summary>
    /// <returns>Null where the job was to end before there was room.</returns>
    private RunMemory? Memory(string user, Func<bool> stop)
    {
        TrainingConfig config = settings.For(data.Train.Count);
        int rows = config.MicroBatchSize;
        long Bytes() => JobLimits.BesideTheBase(model, settings.Precision, config with { MicroBatchSize = rows }, data.LongestRow);
        while (rows > 1 && Bytes() > resident.ForJobs) rows = (rows + 1) / 2;
        while (_memory is null && !stop())
        {
            // Answers without end would keep a job from its memory for ever; a smaller part of it comes sooner.
            long began = clock.GetTimestamp();
            _memory = resident.MemoryForJob(Bytes(), user, () => stop() || (rows > 1 && clock.GetElapsedTime(began) > LongestWaitForMemory));
            if (_memory is null) rows = (rows + 1) / 2;
        }
        return _memory is null ? null : new RunMemory(_memory.Share) { MostRows = rows < config.MicroBatchSize ? rows : null, Divisions = settings.MicroBatchDivisions ?? [] };
    }

    /// <summary>What the trained adapter or model makes of the test file, which nothing of the run has seen.</summary>
    private TestScored Test(BaseModel trained, int step)
    {
        using var evaluation = new BatchedEvaluation(new MemoryShare(resident.Budget) { MayExceed = true }); // It is trained: nothing of it is thrown away for a figure.
        EvaluationSums sums = default;
        foreach (IReadOnlyList<TrainingRow> batch in BatchedEvaluation.Batches(data.Test)) sums += evaluation.Batch(trained, _adapter, batch, lease.Offer);
        return new TestScored(step, sums.Result.Loss, sums.Result.TokenAccuracy, sums.Result.Tokens);
    }

    private void Tell(JobProgressWriter progress, TrainingEvent happened)
    {
        if (happened is StepFinished step)
        {
            var model = new KeyValuePair<string, object?>(Telemetry.Keys.RequestModel, claim.Job.Model);
            Telemetry.StepSeconds.Record(step.Duration.TotalSeconds, model);
            Telemetry.TrainedTokens.Add(step.Tokens, model);
            Telemetry.TrainingLoss.Record(step.Loss, model);
            runtime.Add(step);
            if (step.Step % TracedEvery == 1) Trace(step);
        }
        if (happened is MicroBatchHalved halved)
        {
            if (IsOwn) settings = settings with { MicroBatchDivisions = halved.Divisions };
            progress.Add(IsOwn ? halved : halved with { Divisions = [] });
            return;
        }
        _step = happened.Step;
        progress.Add(happened);
        if (happened is CheckpointSaved && IsOwn && checkpoints.Save(claim.Job, settings, model, happened.Step, Save) is { } kept) progress.Add(kept);
        // Whatever is told after a save has begun is told at its end.
        _saving?.Dispose();
        _saving = null;
    }

    private void Trace(StepFinished step)
    {
        using Activity? span = Telemetry.Source.StartActivity(Telemetry.Spans.Step, ActivityKind.Internal, default(ActivityContext), startTime: clock.GetUtcNow() - step.Duration);
        span?.SetTag(Telemetry.Keys.Step, step.Step).SetTag(Telemetry.Keys.Loss, step.Loss);
    }
}
