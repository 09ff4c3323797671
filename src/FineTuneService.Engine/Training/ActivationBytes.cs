using FineTuneService.Engine.Kernels;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Training;

/// <summary>
/// What the forward keeps for the backward, and what stands beside it at the most: the sum of what each operation says it reads again, by the
/// model's traits.
/// </summary>
/// <param name="element">Bytes of an activation's element.</param>
/// <param name="prompt">LLaMA-Adapter's; nothing trains below its first layer.</param>
/// <param name="trained">The inner width of what trains on a linear layer (an adapter's ranks), 0 where its weight itself trains; null where nothing does.</param>
internal sealed class ActivationBytes(ModelConfig model, int element, AdaptionPromptConfig? prompt, Func<LinearSlot, int?> trained)
{
    private readonly int _queries = model.Heads * model.HeadDim, _keys = model.KeyValueHeads * model.HeadDim;

    /// <summary>Kept for a token, all layers together.</summary>
    public long PerToken => model.Slots.Layers.Skip(prompt is null ? 0 : model.Slots.Layers.Count - prompt.LayersOf(model.Slots.Layers.Count)).Sum(Layer);

    /// <summary>The same under gradient checkpointing: the stream and the branch before each block, and all of one block.</summary>
    public long Recomputed => model.Slots.Layers.Count * 2L * model.HiddenSize * element + model.Slots.Layers.Max(Layer);

    /// <summary>A layer's gradients of its widest values, which come and go in the backward.</summary>
    /// <param name="tokens">Of the micro batch, padding included.</param>
    public long Backward(long tokens)
    {
        int inner = model.Slots.Layers.Max(layer => layer.Up is { } up ? up.Out + layer.Down!.In : 3 * model.Experts!.Active * model.Experts.Width);
        // A norm after a branch has a gradient of its own beside the stream's.
        long streams = model.HiddenSize * (model.Slots.Layers[0].AfterMlp is null ? 1L : 2L);
        return tokens * element * (streams + Math.Max(inner, 4L * _queries + 4L * _keys));
    }

    private long Layer(LayerSlots layer)
    {
        int hidden = model.HiddenSize;
        bool shared = model.Residual == Residual.Parallel && layer.BeforeMlp is null;
        // Each norm reads its input again: the stream, once for both branches where they read the same.
        long width = model.Residual == Residual.Parallel ? hidden : 2L * hidden;
        if (layer.AfterAttention is not null) width += hidden;
        if (layer.AfterMlp is not null) width += hidden;
        if (layer.BeforeAttention is not null && (Keeps(layer.Qkv) || (shared && KeepsMlp(layer)))) width += hidden;
        if (layer.BeforeMlp is not null && KeepsMlp(layer)) width += hidden;
        width += _queries + 2L * _keys;
        if (prompt is not null) width += _queries + 2L * _keys; // The prompt's queries are read where attention's were made.
        if (layer.QueryNorm is not null) width += _queries + 2L * _keys;
        if (Keeps(layer.O)) width += _queries;
        width += Mlp(layer);
        width += Inner(layer);
        return element * width + Statistics(layer);
    }

    private long Mlp(LayerSlots layer)
    {
        if (layer.Up is { } up) return up.Out + (Keeps(layer.Down!) ? layer.Down!.In : 0);
        (LinearSlot expertUp, LinearSlot down) = layer.Experts!.Experts[0];
        long each = expertUp.Out + model.HiddenSize + (Keeps(down) ? down.In : 0) + (Keeps(expertUp) ? model.HiddenSize : 0);
        return model.Experts!.Active * each;
    }

    /// <summary>What low-rank branches keep between A and B.</summary>
    private long Inner(LayerSlots layer)
    {
        long inner = new[] { layer.Qkv, layer.O, layer.Up, layer.Down }.OfType<LinearSlot>().Sum(linear => (long)(trained(linear) ?? 0));
        if (layer.Experts is not { } experts) return inner;
        (LinearSlot up, LinearSlot down) = experts.Experts[0];
        return inner + model.Experts!.Active * ((long)(trained(up) ?? 0) + (trained(down) ?? 0));
    }

    private long Statistics(LayerSlots layer)
    {
        long rows = layer.Norms.Count() + (layer.QueryNorm is null || model.HeadNorms == HeadNorms.Together ? 0 : model.Heads + model.KeyValueHeads - 2);
        return rows * sizeof(float) * (model.Norm == NormKind.Layer ? 2 : 1);
    }

    private bool Keeps(LinearSlot linear) => trained(linear) is not null;

    private bool KeepsMlp(LayerSlots layer) => layer.Up is not null && Keeps(layer.Up);
}
