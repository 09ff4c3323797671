using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>An adapter folded into its base: W' = W + scaling · B·A in fp32 (LoRA, section 4.1), W dequantised first where it is nf4.</summary>
public static class AdapterMerge
{
    /// <summary>Writes a Hugging Face folder that needs no adapter, the base's tokenizer and template files included.</summary>
    /// <param name="dtype">Of every tensor in the file.</param>
    /// <param name="betweenTensors">Called between tensors: others may work meanwhile.</param>
    /// <exception cref="AdapterException">The adapter is of a kind that no weight can hold.</exception>
    public static void Save(BaseModel model, Adapter adapter, string folder, ComputeDtype dtype, Action? betweenTensors = null)
    {
        if (adapter.Config.Prompt is not null)
            throw new AdapterException("a LLaMA-Adapter cannot be merged: its prompts are no part of any weight. Serve it as the adapter that it is.");
        using var pool = new BufferPool(model.Weights.Device);
        ModelConfig config = Unties(model, adapter) ? model.Config with { TieWordEmbeddings = false } : model.Config;
        ModelSaver.Save(
            folder, config, model.Weights, dtype.Stored(),
            (linear, part) => Merged(linear, part, adapter, pool), name => Own(name, model, adapter), betweenTensors);
        model.CopySideFiles(folder);
    }

    /// <summary>The merged weight [out, in] of one module, fp32; the base's own where the adapter does not change it.</summary>
    internal static Tensor Merged(LinearWeight linear, LinearPart part, Adapter adapter, BufferPool pool)
    {
        using var scope = NewDisposeScope();
        Tensor dense = linear.Dense(pool);
        Tensor weight = dense.narrow(0, part.Offset, part.Out).to_type(ScalarType.Float32).clone();
        pool.Return(dense);
        JoinedLora? joined = adapter.Values.Of(linear);
        // An expert's gate and up projection have one pair of matrices where both are one parameter.
        if (joined?.Parts.FirstOrDefault(lora => lora.OutOffset <= part.Offset && part.Offset < lora.OutOffset + lora.Out) is { } lora)
        {
            weight = DoraScales.AdaptedWeight(linear, lora, adapter.Removed?[part.Module], pool).narrow(0, part.Offset - lora.OutOffset, part.Out);
            if (lora.Magnitude is not null) weight.mul_(adapter.DoraScale(linear, lora, pool).Factor.unsqueeze(1));
        }
        if (joined?.Replaced.FirstOrDefault(own => own.Part.Module == part.Module)?.Weight is { } own) weight.copy_(own);
        if (joined?.Tokens is { } tokens) weight.index_copy_(0, tokens.Ids, tokens.Rows.to_type(ScalarType.Float32));
        return weight.MoveToOuterDisposeScope();
    }

    /// <summary>The head is no longer the embedding table: one of them is changed otherwise than the other.</summary>
    private static bool Unties(BaseModel model, Adapter adapter)
    {
        if (!model.Config.TieWordEmbeddings) return false;
        LoraLayout layout = adapter.Values.Layout;
        AdaptedLayer? head = layout.Layers.FirstOrDefault(layer => layer.Key == model.Weights.Head.Parts[0].Module);
        bool together = head?.Tokens is { Shared: true };
        bool changesHead = head is not null && (head.Modules.Count > 0 || head.Replaced.Any(part => part.Weight is not null) || (head.Tokens is not null && !together));
        return changesHead || layout.Embedding is not null || layout.Table is not null || (layout.Tokens is not null && !together);
    }

    /// <summary>What an embedding, norm or bias becomes, or null where it stays.</summary>
    private static Tensor? Own(string name, BaseModel model, Adapter adapter)
    {
        LoraTensors values = adapter.Values;
        if (name == model.Config.Slots.Embedding.Name) return values.HasEmbedding ? Embedding(model.Weights.Embedding.Values(), values) : null;
        string module = name[..name.LastIndexOf('.')];
        bool bias = name.EndsWith(".bias", StringComparison.Ordinal);
        if (values.ReplacedParts.FirstOrDefault(part => part.Part.Module == module) is { } replaced && (bias ? replaced.Bias : values.IsNorm(module) ? replaced.Weight : null) is { } own) return own;
        if (!bias || adapter[module] is not { BiasOfB: not null } lora) return null;
        LinearWeight linear = model.Weights.Linears.First(linear => linear.Parts.Contains(lora.Place.Part));
        return linear.Bias!.narrow(0, lora.OutOffset, lora.Out).to_type(ScalarType.Float32).add(lora.BiasOfB, alpha: lora.Scaling);
    }

    private static Tensor Embedding(Tensor table, LoraTensors values)
    {
        using var scope = NewDisposeScope();
        Tensor merged = (values.Table ?? table).to_type(ScalarType.Float32).clone();
        if (values.Tokens is { } tokens) merged.index_copy_(0, tokens.Ids, tokens.Rows.to_type(ScalarType.Float32));
        if (values.Embedding is { } low) merged.addmm_(low.A.t().to_type(ScalarType.Float32), low.B.t().to_type(ScalarType.Float32), beta: 1, alpha: (float)low.Place.Scaling);
        return merged.MoveToOuterDisposeScope();
    }
}
