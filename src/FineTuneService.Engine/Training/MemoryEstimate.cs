using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Operations;
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
/// <param name="Activations">What the forward keeps for the backward, for a micro batch of the longest rows.</param>
/// <param name="Head">What stands beside them at the most: logits of one chunk and the hidden states around it, or a layer's gradients, and
/// the widened weights of a product.</param>
public sealed record MemoryEstimate(long Base, long Trained, long Gradients, long Optimizer, long Activations, long Head)
{
    public long Total => Base + Trained + Gradients + Optimizer + Activations + Head;

    internal static MemoryEstimate Of(ModelConfig model, BasePrecision precision, TrainingConfig config, long trainable, int longestRow)
    {
        ModelSlots slots = model.Slots;
        int element = precision.Dtype == ComputeDtype.Bf16 ? 2 : 4, trained = config.AllBf16 ? 2 : 4;
        // Of a preference, both answers go through the model together.
        long tokens = (long)config.MicroBatchSize * longestRow * (config.Dpo is null ? 1 : 2);
        bool copied = config.Lora is not null && trained != element;
        // What is taken off the base is a branch of its own, frozen.
        LoraLayout? layout = config.Lora is { } lora ? LoraLayout.Of(slots, lora) : null;
        bool removes = config.Lora is { } begun && Initialisation.Of(begun.Initialisation).ChangesBase;
        Dictionary<string, int> ranks = layout?.Layers.ToDictionary(layer => layer.Key, layer => (removes ? 2 : 1) * (int)(layer.A?.Shape[0] ?? 0)) ?? [];
        long held = trainable + (removes ? layout!.Matrices.Length : 0);
        var activations = new ActivationBytes(
            model, element, config.Lora?.Prompt, linear => config.Lora is null ? 0 : ranks.TryGetValue(linear.Parts[0].Module, out int inner) ? inner : null);
        return new MemoryEstimate(
            precision.BytesOf(model),
            held * (trained + (copied ? element : 0)),
            trainable * trained,
            OptimizerBytes(slots, config, trainable),
            tokens * ((config.GradientCheckpointing ? activations.Recomputed : activations.PerToken) + (slots.FinalNorm is null ? 1 : 2L) * model.HiddenSize * element),
            Math.Max(HeadBytes(model, slots, tokens, element), activations.Backward(tokens)) + Widened(slots, precision, tokens));
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

    /// <summary>A chunk's logits (capped ones are kept beside their gradient) and its rows, and the gradient by all hidden states.</summary>
    private static long HeadBytes(ModelConfig model, ModelSlots slots, long tokens, int element)
    {
        long rows = HeadLoss.LargestChunk((int)Math.Min(tokens, int.MaxValue), slots.Head.Out);
        return element * (rows * ((model.LogitSoftCap == 0 ? 1 : 2) * slots.Head.Out + 2L * slots.Head.In) + tokens * slots.Head.In) + sizeof(float) * tokens;
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
