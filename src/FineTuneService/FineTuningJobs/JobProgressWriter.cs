using System.Text.Json;
using System.Threading.Channels;
using FineTuneService.Data;
using FineTuneService.Engine.Training;
using FineTuneService.Hosting;
using FineTuneService.Usage;

namespace FineTuneService.FineTuningJobs;

/// <summary>
/// Writes a run's progress to the job's rows, apart from the device's thread: the run says what happened and goes on, and what has
/// gathered meanwhile is one transaction.
/// </summary>
/// <param name="otherSeed">Of a training that is not the job's own but one of its repeats.</param>
internal sealed class JobProgressWriter(JobClaim claim, JobCheckpoints checkpoints, TimeProvider clock, ulong? otherSeed = null)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    // What gathers while the database is locked is written in transactions of this size.
    private const int LargestBatch = 200;

    private readonly Channel<TrainingEvent> _events = Channel.CreateUnbounded<TrainingEvent>(new UnboundedChannelOptions { SingleReader = true });

    /// <summary>Steps over which their duration is averaged.</summary>
    private const double Remembered = 20;

    private const double Century = 100d * 365 * 86400;

    private readonly OverfittingWatch _overfitting = new();
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _hurry = new(0);
    private readonly ManualResetEventSlim _caughtUp = new(true);
    private double? _secondsPerStep;
    private int _unwritten;

    /// <summary>Called on the device's thread.</summary>
    public void Add(TrainingEvent happened)
    {
        lock (_gate)
        {
            _unwritten++;
            _caughtUp.Reset();
        }
        _events.Writer.TryWrite(happened);
    }

    /// <summary>
    /// Waits until all that was added is committed. A checkpoint comes after that: a run that went on from one whose steps nobody was told of
    /// would never tell of them. Called on the device's thread.
    /// </summary>
    /// <returns>Whether it is.</returns>
    public bool Flush(TimeSpan longest)
    {
        _hurry.Release();
        return _caughtUp.Wait(longest);
    }

    /// <summary>No more will come.</summary>
    public void End() => _events.Writer.TryComplete();

    /// <summary>Writes until <see cref="End"/>, or until the claim is lost; trouble of the database delays it, and loses nothing.</summary>
    public async Task Run(CancellationToken giveUp)
    {
        while (await _events.Reader.WaitToReadAsync(giveUp))
        {
            var batch = new List<(TrainingEvent Happened, bool Overfits)>();
            while (batch.Count < LargestBatch && _events.Reader.TryRead(out TrainingEvent? happened)) batch.Add((happened, _overfitting.Sees(happened)));
            if (!await claim.WriteSurely((db, job) =>
            {
                foreach ((TrainingEvent happened, bool overfits) in batch)
                {
                    Apply(db, job, happened);
                    if (overfits) db.Warn(job, clock, OverfittingWatch.Warning);
                }
                UsageRows.AddTrained(db, job, Uncounted(job, batch.Select(one => one.Happened).OfType<StepFinished>()), clock);
            }, giveUp)) return;
            if (batch.Exists(one => one.Happened is CheckpointKept)) await checkpoints.Prune(claim.Job);
            Written(batch.Count);
            if (batch.Count < LargestBatch) await _hurry.WaitAsync(Pause, giveUp);
        }
    }

    private void Written(int count)
    {
        lock (_gate)
        {
            _unwritten -= count;
            if (_unwritten == 0) _caughtUp.Set();
        }
    }

    /// <summary>Tokens of steps that are done for the first time.</summary>
    private static long Uncounted(FineTuningJob job, IEnumerable<StepFinished> steps)
    {
        long tokens = 0;
        foreach (StepFinished step in steps.Where(step => step.Step > job.CountedStep))
        {
            tokens += step.Tokens;
            job.CountedStep = step.Step;
        }
        return tokens;
    }

    private void Apply(FineTuneDbContext db, FineTuningJob job, TrainingEvent happened)
    {
        switch (happened)
        {
            case RunStarted started:
                job.TotalSteps = started.TotalSteps;
                if (started.Step > 0) db.Say(job, clock, $"Resumed from the checkpoint of step {started.Step} of {started.TotalSteps}");
                else db.Say(job, clock, $"Training {started.TrainableParameters:N0} parameters for {started.TotalSteps} steps");
                break;
            case StepFinished step:
                (job.Step, job.Epoch, job.TrainLoss) = (step.Step, step.Epoch, step.Loss);
                _secondsPerStep = _secondsPerStep is { } before ? before + (step.Duration.TotalSeconds - before) / Remembered : step.Duration.TotalSeconds;
                if (job.TotalSteps is { } total) job.EstimatedFinish = (clock.GetUtcNow() + TimeSpan.FromSeconds(Math.Min((total - step.Step) * _secondsPerStep.Value, Century))).ToUnixTimeSeconds();
                db.Measure(job, clock, $"Step {step.Step}/{job.TotalSteps}: training loss={step.Loss:0.0000}", new StepMetrics(
                    step.Step, job.TotalSteps, step.Loss, step.LearningRate, step.GradNorm, step.Tokens, step.Epoch, step.Duration.TotalSeconds, otherSeed));
                break;
            case Evaluated evaluated:
                job.ValidationLoss = evaluated.Loss;
                db.Measure(job, clock, $"Step {evaluated.Step}/{job.TotalSteps}: validation loss={evaluated.Loss:0.0000}",
                    new EvaluationMetrics(evaluated.Step, evaluated.Loss, evaluated.TokenAccuracy, otherSeed));
                break;
            case TestScored test:
                job.TestLoss = test.Loss;
                db.Measure(job, clock, $"Test file: loss={test.Loss:0.0000}, token accuracy={test.TokenAccuracy:0.0000}", new TestMetrics(test.Step, test.Loss, test.TokenAccuracy, test.Tokens, otherSeed));
                break;
            case MicroBatchHalved halved:
                if (halved.Divisions.Count > 0) job.Settings = JsonSerializer.Serialize(JobSettings.Of(job) with { MicroBatchDivisions = halved.Divisions }, Json.Options);
                db.Say(job, clock, $"The device's memory has no room for a micro batch of {halved.From} rows: from step {halved.Step} on it has {halved.To}, and more of them add up to the same step", "warn");
                break;
            case CheckpointFailed failed:
                db.Say(job, clock, $"Checkpoint of step {failed.Step} not saved: {failed.Reason}; the run goes on, and saves later", "warn");
                break;
            case CheckpointUnusable unusable:
                db.Say(job, clock, $"Checkpoint of step {unusable.Step} is not used: {unusable.Reason}", "warn");
                break;
            case RunFinished finished:
                if (finished.EarlyStopped) db.Say(job, clock, $"Stopped early at step {finished.Step} of {job.TotalSteps}: the validation loss no longer falls");
                if (finished.KeptStep != finished.Step) db.Say(job, clock, $"The adapter is that of step {finished.KeptStep}, whose validation loss was the lowest");
                if (finished.LearntNothing) db.Warn(job, clock, "the run changed nothing: every B of the adapter is still zero, so it answers as the base does. Give it more steps, a higher learning rate or less warmup.");
                break;
            case CheckpointSaved saved:
                job.Attempts = 0; // Whatever ends the process now, the job has come further.
                db.Say(job, clock, $"Checkpoint of step {saved.Step} saved");
                break;
            case CheckpointKept kept:
                // A run that went on from an earlier step comes by here again; what was listed stays as it is.
                if (db.Checkpoints.Any(row => row.JobId == job.Id && row.Step == kept.Step)) break;
                kept.Product.Add(db);
                db.Checkpoints.Add(kept.Row(job, clock));
                break;
        }
    }

    private sealed record StepMetrics(int Step, int? TotalSteps, double TrainLoss, double LearningRate, double GradNorm, long Tokens, double Epoch, double Seconds, ulong? Seed);

    private sealed record TestMetrics(int Step, double TestLoss, double TestMeanTokenAccuracy, long TestTokens, ulong? Seed);

    private sealed record EvaluationMetrics(int Step, double ValidLoss, double ValidMeanTokenAccuracy, ulong? Seed);
}
