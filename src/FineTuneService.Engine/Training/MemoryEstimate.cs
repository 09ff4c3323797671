using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Training.Optimizers;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>Bytes that a run holds at its peak, by part.</summary>
/// <param name="Base">The base model's weights, shared with serving and other runs.</param>
/// <param name="Trained">Trained parameters: fp32 values, and their copy in the compute dtype; and, frozen, what PiSSA and OLoRA take off the base.</param>
/// <param name="Gradients">Of the trained parameters.</param>
/// <param name="Optimizer">What the optimizer keeps between steps.</param>
/// <param name="Activations">What the forward has taken at its end, for a micro batch of the longest rows: kept for the backward, or free for it.</param>
/// <param name="Head">What is taken after it: logits of one chunk and the hidden states around it, gradients of a layer's values; and the widened weights of
/// a product.</param>
public sealed record MemoryEstimate(long Base, long Trained, long Gradients, long Optimizer, long Activations, long Head)
{
    public long Total => Base + Trained + Gradients + Optimizer + Activations + Head;

    internal static MemoryEstimate Of(ModelConfig model, BasePrecision precision, TrainingConfig config, long trainable, int longestRow)
    {
        ModelSlots slots = model.Slots;
        int element = precision.Dtype == ComputeDtype.Bf16 ? 2 : 4, trained = config.AllBf16 ? 2 : 4;
        // Of a preference, both answers go through the model together.
        long rows = config.MicroBatchSize * (config.Dpo is null ? 1L : 2L);
        bool copied = config.Lora is not null && trained != element;
        // What is taken off the base is a branch of its own, frozen.
        LoraLayout? layout = config.Lora is { } lora ? LoraLayout.Of(slots, lora) : null;
        bool removes = config.Lora is { } begun && Initialisation.Of(begun.Initialisation).ChangesBase;
        long held = trainable + (removes ? layout!.Matrices.Length : 0);
        (long activations, long beside) = ShapedStep.Bytes(model, config, layout, element == 2 ? ScalarType.BFloat16 : ScalarType.Float32, rows, longestRow);
        return new MemoryEstimate(
            precision.BytesOf(model),
            held * (trained + (copied ? element : 0)),
            trainable * trained,
            OptimizerBytes(slots, config, trainable),
            activations,
            beside + Widened(slots, precision, rows * longestRow));
    }

    /// <summary>Of the optimizer itself, made without memory: libtorch's meta device knows shapes alone.</summary>
    private static long OptimizerBytes(ModelSlots slots, TrainingConfig config, long trainable)
    {
        using var scope = NewDisposeScope();
        Tensor flat = empty([trainable], config.AllBf16 ? ScalarType.BFloat16 : ScalarType.Float32, META);
        IEnumerable<(string Name, long[] Shape)> shapes = config.Lora is { } lora
            ? LoraLayout.Of(slots, lora).Views.Select(entry => (entry.Key, entry.View.Shape))
            : slots.All.Select(slot => (slot.Name, slot.Shape));
        long offset = 0;
        NamedParameter[] named = [.. shapes.Select(shape =>
        {
            var parameter = new NamedParameter(shape.Name, offset, shape.Shape);
            offset += parameter.Length;
            return parameter;
        })];
        using Optimizer optimizer = OptimizerTable.Make(config.Optimizer with { Paged = false }, new ParameterSet(flat, flat, named));
        return optimizer.StateBytes;
    }

    /// <summary>The largest layer's weight where products need it in another form: quantised, or bf16 on a CPU without instructions for it.</summary>
    private static long Widened(ModelSlots slots, BasePrecision precision, long tokens)
    {
        LinearSlot largest = slots.Linears.Where(linear => !linear.StaysDense).MaxBy(linear => (long)linear.In * linear.Out)!;
        long weight = (long)largest.In * largest.Out, bytes = 0;
        if (precision.Quantization != QuantizationType.None || precision.Dtype == ComputeDtype.Fp16) bytes += weight * (precision.Dtype == ComputeDtype.Bf16 ? 2 : 4);
        if (precision.Dtype == ComputeDtype.Bf16 && MatrixProduct.ThroughFp32) bytes += sizeof(float) * (weight + tokens * (largest.In + (long)largest.Out));
        return bytes;
    }
}
