using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Training;

/// <summary>What a run would take, worked out from shapes and counts before anything is loaded.</summary>
/// <param name="TrainableParameters">Exact.</param>
/// <param name="AdapterBytes">On disk, of what the run comes to: the adapter's matrices, or in full-parameter training the model's weights.</param>
/// <param name="Steps">Optimizer updates.</param>
/// <param name="Tokens">Tokens that go through the model, padding left out.</param>
public sealed record TrainingEstimate(
    long TrainableParameters, long TotalParameters, long AdapterBytes, int Steps, long Tokens, MemoryEstimate Memory)
{
    /// <summary>On disk, of a checkpoint to go on from: the parameters, and what the optimizer knows of them.</summary>
    public long CheckpointBytes { get; init; }

    /// <summary>The same with one row at a time: the least that the run can do with, as micro batches that do not fit are divided.</summary>
    public required MemoryEstimate Least { get; init; }

    /// <param name="rows">Training rows.</param>
    /// <param name="tokens">Their tokens together.</param>
    /// <param name="longestRow">Tokens of the longest.</param>
    internal static TrainingEstimate Of(ModelConfig model, BasePrecision precision, TrainingConfig config, int rows, long tokens, int longestRow)
    {
        long trainable = config.Lora is { } lora ? LoraLayout.Of(model.Slots, lora).Length : model.ParameterCount;
        int adapterElement = config.AllBf16 ? 2 : 4;
        var order = new RowOrder(Enumerable.Repeat(longestRow, rows), config);
        double epochs = (double)order.TotalSteps / order.StepsPerEpoch;
        // What counts as taken off the base is saved with the adapter.
        long removed = config.Lora is { } begun && Initialisation.Of(begun.Initialisation).ChangesBase ? LoraLayout.Of(model.Slots, begun).Matrices.Length : 0;
        long adapterBytes = (trainable + removed) * (config.Lora is null && precision.Dtype != ComputeDtype.Fp32 ? 2 : adapterElement);
        var memory = MemoryEstimate.Of(model, precision, config, trainable, longestRow);
        return new TrainingEstimate(
            trainable, model.ParameterCount + (config.Lora is null ? 0 : trainable), adapterBytes, order.TotalSteps, (long)Math.Ceiling(tokens * epochs),
            memory)
        {
            Least = MemoryEstimate.Of(model, precision, config with { MicroBatchSize = 1 }, trainable, longestRow),
            CheckpointBytes = (trainable * (config.KeepBest ? 2 : 1) + removed) * adapterElement + memory.Optimizer,
        };
    }
}
