using System.Diagnostics;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training.Optimizers;

namespace FineTuneService.Engine.Training;

/// <summary>
/// A training run on one base model: validate → prepare → dry run of two batches → fit → evaluate → save. It stops at a step boundary
/// and goes on from its newest checkpoint to the same bits. All on the calling thread.
/// </summary>
public sealed class Trainer : IDisposable
{
    /// <summary>How soon a step tries again to save what did not fit on the disk.</summary>
    private static readonly TimeSpan SaveAgain = TimeSpan.FromSeconds(1);

    private readonly TrainingConfig _config;
    private readonly IReadOnlyList<TrainingRow> _train;
    private readonly IReadOnlyList<TrainingRow>? _validation;
    private readonly RowOrder _order;
    private readonly Checkpoints _checkpoints;
    private readonly TrainedParameters _parameters;
    private readonly Optimizer _optimizer;
    private readonly Decoder _decoder;
    private readonly TrainingStep _step;
    private readonly LoraDropout? _dropout;
    private readonly EmbeddingNoise? _noise;
    private readonly BestParameters? _best;
    private readonly Func<Adapter>? _initial;
    private readonly RunMemory? _memory;
    private readonly MemoryFit _fit;

    /// <summary>What the run holds beside its base and a step's buffers, and of that what it trains.</summary>
    private readonly long _fixedBytes, _adapterBytes;
    private RunProgress _progress = new();
    private string? _diverged;
    private (int Step, EvaluationResult Result)? _evaluated;
    private long? _saveFailedAt;

    /// <summary>Validates the run and prepares everything it needs; nothing trains yet.</summary>
    /// <param name="model">Shared and frozen where <see cref="TrainingConfig.Lora"/> is set; otherwise trained itself, so private.</param>
    /// <param name="checkpointFolder">Made if absent; one run's own.</param>
    /// <param name="diskTakes">Whether the disk may take so many bytes of a checkpoint; null: whether they fit.</param>
    /// <param name="initialAdapter">Folder of an adapter in PEFT's format that a run without a checkpoint begins from; null: a new one.</param>
    /// <param name="yieldPoint">Called while a new adapter is worked out: requests may be served there.</param>
    /// <param name="memory">Null: no limit.</param>
    /// <exception cref="ArgumentException">The config or rows cannot be trained on this model; the message says what and why.</exception>
    /// <exception cref="MemoryExceededException">The parameters alone do not fit.</exception>
    public Trainer(
        BaseModel model, TrainingConfig config, IReadOnlyList<TrainingRow> train, IReadOnlyList<TrainingRow>? validation, string checkpointFolder,
        Func<long, bool>? diskTakes = null, Func<string>? initialAdapter = null, Action? yieldPoint = null, RunMemory? memory = null)
    {
        TrainingValidation.Require(model, config, train, validation);
        (_config, _train, _validation) = (config, train, validation);
        _order = new RowOrder(train.Select(row => row.Longest), config);
        if (config.Lora is not null) Adapter = Adapter.Create(model, config.Lora, config.Seed, config.AllBf16, yieldPoint);
        if (initialAdapter is not null) _initial = () => Adapter.Load(initialAdapter(), model);
        _parameters = Adapter is null ? new ModelParameters(model.Config.Slots, model.Weights) : new AdapterParameters(Adapter);
        _optimizer = OptimizerTable.Make(config.Optimizer, _parameters.Set(config.Optimizer));
        _decoder = new Decoder(model.Config, model.Weights);
        _step = new TrainingStep(_decoder, _parameters, Adapter, _optimizer, config, memory?.Share);
        _fit = new MemoryFit(_step.Pool, memory?.Share, new MicroBatchSizes(config, memory?.Divisions ?? []));
        if (config.Lora is { Dropout: > 0 }) _dropout = new LoraDropout(config.Lora.Dropout, config.Seed, _step.Pool);
        if (config.NeftuneAlpha is { } alpha) _noise = new EmbeddingNoise(alpha, config.Seed);
        if (config.KeepBest) _best = new BestParameters(_parameters);
        _checkpoints = new Checkpoints(checkpointFolder, CheckpointRun.Of(config, train, _order.TotalSteps), _parameters, _optimizer, _best, diskTakes);
        long values = _parameters.Values.numel() * _parameters.Values.element_size();
        _adapterBytes = Adapter is null ? values : Adapter.BytesIn(model.Weights.Dtype);
        _fixedBytes = _adapterBytes + values + _optimizer.StateBytes + (_best?.Bytes ?? 0);
        if (memory?.Share.TryTake(_fixedBytes) == false)
        {
            Dispose();
            Adapter?.Dispose();
            throw new MemoryExceededException(_fixedBytes);
        }
        _memory = memory;
    }

    /// <summary>What is being trained, and the result once the run has ended; null in full-parameter training. The caller may keep it
    /// beyond this trainer, and disposes it.</summary>
    public Adapter? Adapter { get; }

    /// <summary>
    /// Trains until the last step, or until <paramref name="stopRequested"/> says so after one; then a checkpoint is saved. A run whose
    /// loss or weights are no longer finite ends at that step, and its last checkpoint stays.
    /// </summary>
    /// <param name="onEvent">Progress, in order, on this thread.</param>
    /// <param name="yieldPoint">Called between decoder blocks, forward and backward: requests may be served there.</param>
    public RunFinished Run(Action<TrainingEvent> onEvent, Func<bool>? stopRequested = null, Action? yieldPoint = null)
    {
        _step.YieldPoint = _fit.YieldPoint = yieldPoint;
        _fit.StopRequested = stopRequested;
        if (_checkpoints.Restore((step, fault) => onEvent(new CheckpointUnusable(step, fault))) is { } progress) GoOn(progress);
        else if (_initial is not null) Begin(_initial);
        onEvent(new RunStarted(_progress.Step, _order.TotalSteps, _parameters.Values.numel()));
        Divide(onEvent);
        if (_progress.Step < _order.TotalSteps) DryRun(onEvent);
        _memory?.Share.Settle();
        if (_progress.Step == 0) Evaluate(onEvent); // What the run starts from, to compare with.
        bool stopped = Fit(onEvent, stopRequested);
        EvaluationResult? evaluation = stopped || _diverged is not null ? null : Evaluate(onEvent);
        if (_progress.Step > _progress.SavedStep) Save(onEvent);
        bool best = _best is not null && evaluation is not null;
        if (best) _best!.Restore();
        double? loss = best ? _progress.Evaluations.Best : evaluation?.Loss;
        var finished = new RunFinished(_progress.Step, stopped, _progress.TrainedTokens, _progress.LastLoss, loss, _diverged)
        {
            EarlyStopped = !stopped && HasStoppedImproving,
            KeptStep = best ? _progress.Evaluations.BestStep : _progress.Step,
            LearntNothing = !stopped && _diverged is null && Adapter?.ChangesNothing == true,
        };
        onEvent(finished);
        return finished;
    }

    /// <summary>Bytes that the run holds now, its base included: as buffers stay, the most that it has held.</summary>
    public long HeldBytes => _decoder.Weights.Bytes + _fixedBytes + _step.Pool.Bytes;

    /// <summary>What a run would take, from shapes and counts alone.</summary>
    /// <param name="rows">Training rows.</param>
    /// <param name="tokens">Their tokens together.</param>
    /// <param name="longestRow">Tokens of the longest.</param>
    public static TrainingEstimate Estimate(ModelConfig model, BasePrecision precision, TrainingConfig config, int rows, long tokens, int longestRow) =>
        TrainingEstimate.Of(model, precision, config, rows, tokens, longestRow);

    public void Dispose()
    {
        _memory?.Share.Give(_fixedBytes - (Adapter is null ? 0 : _adapterBytes));
        _step.Dispose();
        _decoder.Dispose();
        _optimizer.Dispose();
        _best?.Dispose();
        _parameters.Dispose();
    }

    /// <summary>Another adapter's values, where each parameter of this one has its like in it.</summary>
    private void Begin(Func<Adapter> initial)
    {
        using Adapter from = initial();
        if (from.Values.Flat.numel() != _parameters.Values.numel()) throw new ArgumentException("the adapter to begin from has other parameters than the run's.");
        if (from.Removed is not null) throw new ArgumentException($"the adapter to begin from took its init_lora_weights {from.Config.Initialisation} off the base; convert it with PEFT's path_initial_model_for_weight_conversion.");
        _parameters.Values.copy_(from.Values.Flat);
        _parameters.Changed();
    }

    private void GoOn(RunProgress progress)
    {
        _progress = progress;
        if (_fit.Sizes.Divisions.Count == 0) _fit.Sizes = new MicroBatchSizes(_config, progress.Divisions ?? []);
    }

    /// <summary>The largest two micro batches, forward and backward, as the run's steps do it: what cannot fit fails here, or is divided,
    /// and the buffers are made.</summary>
    private void DryRun(Action<TrainingEvent> onEvent) => WithinMemory(onEvent, rows =>
    {
        int[] longest = [.. Enumerable.Range(0, _train.Count).OrderByDescending(row => _train[row].Longest).Take(Math.Min(rows, _train.Count))];
        MicroBatch batch = Whole(longest);
        for (int i = 0; i < 2; i++) _step.Accumulate([Batch(step: 1, longest, batch, batch.Tokens.Width)]);
        return true;
    });

    /// <summary>What does not fit by estimate is not tried.</summary>
    private void Divide(Action<TrainingEvent> onEvent)
    {
        int next = _progress.Step + 1, before = _fit.Sizes.At(next);
        if (_memory?.MostRows < before && _fit.Sizes.Divides) Halved(new MicroBatchHalved(next, before, _fit.Sizes.Divide(next, _memory.MostRows.Value), _fit.Sizes.Divisions), onEvent);
        else if (_fit.Sizes.Divisions.Count > 0) _progress = _progress with { Divisions = _fit.Sizes.Divisions };
    }

    private void Halved(MicroBatchHalved halved, Action<TrainingEvent> onEvent)
    {
        _progress = _progress with { Divisions = halved.Divisions };
        onEvent(halved);
    }

    private T WithinMemory<T>(Action<TrainingEvent> onEvent, Func<int, T> work) => _fit.Run(_progress.Step + 1, halved => Halved(halved, onEvent), work);

    /// <returns>Whether the run was stopped before its last step.</returns>
    private bool Fit(Action<TrainingEvent> onEvent, Func<bool>? stopRequested)
    {
        while (_progress.Step < _order.TotalSteps && _diverged is null && !HasStoppedImproving)
        {
            if (stopRequested?.Invoke() == true) return true;
            Step(onEvent);
            if (_progress.Step == _order.TotalSteps || _diverged is not null) break;
            if (IsDue(_config.EvalEvery)) Evaluate(onEvent);
            if (IsDue(_config.SaveEvery) || _saveFailedAt is { } failed && Stopwatch.GetElapsedTime(failed) > SaveAgain) Save(onEvent);
        }
        return false;
    }

    private void Step(Action<TrainingEvent> onEvent)
    {
        var clock = Stopwatch.StartNew();
        int step = _progress.Step + 1;
        double learningRate = LearningRate.At(step, _order.TotalSteps, _config);
        StepResult result = WithinMemory(onEvent, rows => _step.Accumulate([.. _order.Step(step).SelectMany(micro => Divided(step, micro, rows))]));
        _step.Update(result, learningRate);
        if (result.NotFinite is { } what)
        {
            Diverge($"{what} not finite at step {step}");
            return;
        }
        _progress = _progress.After(result);
        double epoch = (double)step / _order.StepsPerEpoch;
        onEvent(new StepFinished(step, result.Loss, learningRate, result.GradNorm, result.Tokens, epoch, clock.Elapsed) { Preferences = result.Preferences });
    }

    /// <summary>A micro batch in parts of so many rows.</summary>
    private IEnumerable<MicroBatch> Divided(int step, int[] micro, int rows)
    {
        MicroBatch whole = Whole(micro);
        return micro.Length <= rows ? [Batch(step, micro, whole, whole.Tokens.Width)] : micro.Chunk(rows).Select(part => Batch(step, part, Whole(part), whole.Tokens.Width));
    }

    private MicroBatch Whole(int[] rows) => _step.Method.Batch([.. rows.Select(row => _train[row])]);

    /// <param name="wholeWidth">Of the micro batch that this one is, or is a part of.</param>
    private MicroBatch Batch(int step, int[] rows, MicroBatch batch, int wholeWidth)
    {
        // The second answers of pairs have places of their own, behind all rows.
        int[] places = batch.Tokens.Rows == rows.Length ? rows : [.. rows, .. rows.Select(row => _train.Count + row)];
        return batch with { Dropout = _dropout?.Of(step, places, batch.Tokens.Width), EmbeddingNoise = _noise?.Of(step, places, batch.Tokens.Width, wholeWidth) };
    }

    private EvaluationResult? Evaluate(Action<TrainingEvent> onEvent)
    {
        if (_validation is not { Count: > 0 }) return null;
        if (_evaluated is { } done && done.Step == _progress.Step) return done.Result;
        EvaluationResult result = WithinMemory(onEvent, rows => _step.Evaluate(_validation, rows));
        if (!double.IsFinite(result.Loss))
        {
            Diverge($"the validation loss is not finite at step {_progress.Step}");
            return null;
        }
        _evaluated = (_progress.Step, result);
        if (_progress.Step > 0) Track(result.Loss);
        onEvent(new Evaluated(_progress.Step, result.Loss, result.TokenAccuracy));
        return result;
    }

    private bool HasStoppedImproving => _config.EarlyStopping is { } stopping && _progress.Evaluations.Without >= stopping.Patience;

    private void Track(double loss)
    {
        EvaluationTrack track = _progress.Evaluations.After(loss, _progress.Step, _config.EarlyStopping?.Threshold ?? 0);
        if (track.BestStep == _progress.Step) _best?.Keep();
        _progress = _progress with { Evaluations = track };
    }

    private void Diverge(string what) => _diverged ??= what + (_progress.Step == 0
        ? ", before anything was learned; the base model's weights are damaged, or its dtype is too narrow for them" : "; lower the learning rate");

    /// <summary>Where the disk is full, the run goes on, and a later step tries again: nothing but the way back is lost.</summary>
    private void Save(Action<TrainingEvent> onEvent)
    {
        if (_diverged is null && !_checkpoints.IsFinite()) Diverge($"the weights are not finite after step {_progress.Step}");
        if (_diverged is not null) return;
        RunProgress saved = _progress with { SavedStep = _progress.Step };
        try
        {
            string folder = _checkpoints.Save(saved);
            (_progress, _saveFailedAt) = (saved, null);
            onEvent(new CheckpointSaved(saved.Step, folder));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (_saveFailedAt is null) onEvent(new CheckpointFailed(saved.Step, failure.Message));
            _saveFailedAt = Stopwatch.GetTimestamp();
        }
    }

    private bool IsDue(int every) => every > 0 && _progress.Step % every == 0;
}
