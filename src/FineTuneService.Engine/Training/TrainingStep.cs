using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Evaluation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training.Methods;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>What an optimizer step saw.</summary>
/// <param name="Loss">From before the update.</param>
/// <param name="GradNorm">Norm of all gradients, from before clipping.</param>
/// <param name="Tokens">Trained tokens.</param>
internal readonly record struct StepResult(double Loss, double GradNorm, long Tokens, PreferenceStatistics? Preferences = null)
{
    /// <summary>What is no longer a number, or null: an update with it would spoil every weight.</summary>
    public string? NotFinite => !double.IsFinite(Loss) ? "the loss is" : !double.IsFinite(GradNorm) ? "the gradients are" : null;
}

/// <summary>
/// One optimizer step: gradients accumulated over micro batches, clipped, and the update. Every buffer it writes is the pool's, so
/// after the first steps it allocates nothing that grows.
/// </summary>
internal sealed class TrainingStep : IDisposable
{
    private readonly TrainedParameters _parameters;
    private readonly Optimizer _optimizer;
    private readonly TrainingConfig _config;
    private readonly StepContext _context;

    /// <param name="memory">What the buffers are taken of; null: no limit.</param>
    public TrainingStep(Decoder decoder, TrainedParameters parameters, Adapter? adapter, Optimizer optimizer, TrainingConfig config, MemoryShare? memory = null)
    {
        (_parameters, _optimizer, _config) = (parameters, optimizer, config);
        Pool = new BufferPool(parameters.Values.device, memory);
        _context = new StepContext(decoder, adapter, parameters.Gradients, Pool, config.GradientCheckpointing);
        Method = TrainingMethod.Of(config);
    }

    public BufferPool Pool { get; }

    public TrainingMethod Method { get; }

    /// <summary>Called between decoder blocks.</summary>
    public Action? YieldPoint
    {
        get => _context.YieldPoint;
        set => _context.YieldPoint = value;
    }

    /// <inheritdoc cref="Accumulate"/>
    public StepResult Run(IReadOnlyList<MicroBatch> microBatches, double learningRate)
    {
        StepResult result = Accumulate(microBatches);
        Update(result, learningRate);
        return result;
    }

    /// <summary>Sets the gradients to the step's, without updating anything.</summary>
    /// <exception cref="MemoryExceededException">A micro batch does not fit. Nothing has changed but the gradients.</exception>
    public StepResult Accumulate(IReadOnlyList<MicroBatch> microBatches)
    {
        using var scope = NewDisposeScope();
        _parameters.GradientValues.zero_();
        double units = microBatches.Sum(Method.Units), loss = 0;
        StepSums sums = default;
        foreach (MicroBatch batch in microBatches)
        {
            double scale = LossScale(batch, units, microBatches.Count);
            StepSums added = Method.Accumulate(batch, scale, _context);
            loss += scale * added.Loss;
            sums += added;
        }
        return new StepResult(
            loss, GradientClipping.Norm(_parameters.GradientValues), microBatches.Sum(batch => (long)batch.Targets.Count), sums.Preferences.Means);
    }

    /// <summary>Mean loss and accuracy on rows that are not trained on.</summary>
    /// <param name="batchSize">Rows of a forward.</param>
    public EvaluationResult Evaluate(IReadOnlyList<TrainingRow> rows, int batchSize) => Method.Evaluate(rows, batchSize, _context);

    /// <summary>The update by a step's gradients; left out where they, or its loss, are not finite.</summary>
    public void Update(StepResult result, double learningRate)
    {
        if (result.NotFinite is not null) return;
        using var scope = NewDisposeScope();
        GradientClipping.Clip(_parameters.GradientValues, result.GradNorm, _config.MaxGradNorm);
        _optimizer.Step(learningRate);
        _parameters.Changed();
    }

    public void Dispose() => Pool.Dispose();

    /// <summary>What one unit's loss counts in the step's loss. A step without any has no gradients either.</summary>
    private double LossScale(MicroBatch batch, double stepUnits, int microBatches) => _config.LossAverage switch
    {
        LossAverage.MeanOfMicroBatchMeans => Inverse(Method.Units(batch)) / microBatches,
        _ => Inverse(stepUnits),
    };

    private static double Inverse(double units) => units > 0 ? 1 / units : 1;
}
