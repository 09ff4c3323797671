using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Datasets;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>What an optimizer step saw.</summary>
/// <param name="Loss">From before the update.</param>
/// <param name="GradNorm">Norm of all gradients, from before clipping.</param>
/// <param name="Tokens">Trained tokens.</param>
internal readonly record struct StepResult(double Loss, double GradNorm, long Tokens)
{
    /// <summary>What is no longer a number, or null: an update with it would spoil every weight.</summary>
    public string? NotFinite => !double.IsFinite(Loss) ? "the loss is" : !double.IsFinite(GradNorm) ? "the gradients are" : null;
}

/// <summary>
/// One optimizer step: gradients accumulated over micro batches, clipped, and the update. Every buffer it writes is the pool's, so
/// after the first steps it allocates nothing that grows.
/// </summary>
internal sealed class TrainingStep(Decoder decoder, TrainedParameters parameters, Adapter? adapter, Optimizer optimizer, TrainingConfig config)
    : IDisposable
{
    public BufferPool Pool { get; } = new(parameters.Values.device);

    /// <summary>Called between decoder blocks.</summary>
    public Action? YieldPoint { get; set; }

    /// <summary>The update is left out where the step's loss or gradients are not finite.</summary>
    public StepResult Run(IReadOnlyList<MicroBatch> microBatches, double learningRate)
    {
        StepResult result = Accumulate(microBatches);
        if (result.NotFinite is null) Update(result.GradNorm, learningRate);
        return result;
    }

    /// <summary>Sets the gradients to the step's, without updating anything.</summary>
    public StepResult Accumulate(IReadOnlyList<MicroBatch> microBatches)
    {
        using var scope = NewDisposeScope();
        parameters.GradientValues.zero_();
        long tokens = microBatches.Sum(batch => (long)batch.Targets.Count);
        double loss = 0;
        foreach (MicroBatch batch in microBatches)
        {
            double scale = LossScale(batch, tokens, microBatches.Count);
            loss += scale * LossSum(batch, scale);
        }
        return new StepResult(loss, GradientClipping.Norm(parameters.GradientValues), tokens);
    }

    public void Dispose() => Pool.Dispose();

    private double LossSum(MicroBatch batch, double scale)
    {
        using var scope = NewDisposeScope();
        var tape = new Tape();
        AdapterRows[] adapters = adapter is null ? [] : [new AdapterRows(adapter, 0, batch.Tokens.Ids.Length)];
        var pass = new Pass(Pool, tape) { Adapters = adapters, Gradients = parameters.Gradients, Dropout = batch.Dropout, YieldPoint = YieldPoint };
        Activation hidden = decoder.Forward(batch.Tokens, pass);
        (Tensor sum, _) = HeadLoss.Forward(hidden, decoder.Weights.Head, batch.Targets, scale, pass, decoder.LogitShape);
        tape.Backward();
        Pool.ReturnAll();
        return sum.item<double>();
    }

    /// <summary>What one token's loss counts in the step's loss.</summary>
    private double LossScale(MicroBatch batch, long stepTokens, int microBatches) => config.LossAverage switch
    {
        LossAverage.MeanOfMicroBatchMeans => 1.0 / Math.Max(1, batch.Targets.Count) / microBatches,
        _ => 1.0 / Math.Max(1, stepTokens),
    };

    private void Update(double gradNorm, double learningRate)
    {
        using var scope = NewDisposeScope();
        GradientClipping.Clip(parameters.GradientValues, gradNorm, config.MaxGradNorm);
        optimizer.Step(learningRate);
        parameters.Changed();
    }
}
