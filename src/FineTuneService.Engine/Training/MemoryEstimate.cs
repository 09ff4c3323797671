using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Training;

/// <summary>Bytes that a run holds at its peak, by part.</summary>
/// <param name="Base">The base model's weights, shared with serving and other runs.</param>
/// <param name="Trained">Trained parameters: fp32 values, and their copy in the compute dtype.</param>
/// <param name="Gradients">Of the trained parameters.</param>
/// <param name="Optimizer">AdamW's two moments.</param>
/// <param name="Activations">What the forward keeps for the backward, for a micro batch of the longest rows.</param>
/// <param name="Head">Logits of one chunk, and the hidden states around it.</param>
public sealed record MemoryEstimate(long Base, long Trained, long Gradients, long Optimizer, long Activations, long Head)
{
    public long Total => Base + Trained + Gradients + Optimizer + Activations + Head;

    internal static MemoryEstimate Of(ModelConfig model, BasePrecision precision, TrainingConfig config, long trainable, int longestRow)
    {
        int element = precision.Dtype == ComputeDtype.Bf16 ? 2 : 4, trained = config.AllBf16 ? 2 : 4;
        long tokens = (long)config.MicroBatchSize * longestRow;
        bool copied = config.Lora is not null && trained != element;
        return new MemoryEstimate(
            precision.BytesOf(model),
            trainable * (trained + (copied ? element : 0)),
            trainable * trained,
            2 * trainable * trained,
            tokens * model.Layers * PerToken(model, config, element),
            Math.Min(tokens, 512) * (model.VocabularySize + model.HiddenSize) * element + tokens * model.HiddenSize * element);
    }

    /// <summary>Bytes a token and layer: two norms, the stream before each, queries, keys and values, attention's output, gate and up, their
    /// product, the low-rank branches' inner values, and the norms' statistics.</summary>
    private static long PerToken(ModelConfig model, TrainingConfig config, int element)
    {
        int queries = model.Heads * model.HeadDim, keys = model.KeyValueHeads * model.HeadDim;
        long inner = config.Lora is { } lora
            ? LoraLayout.Of(model.Slots, lora).Layers.Sum(layer => layer.A.Shape[0]) / model.Layers : 0;
        return element * (4L * model.HiddenSize + 2 * queries + 2 * keys + 3L * model.IntermediateSize + inner) + 2 * sizeof(float);
    }
}
