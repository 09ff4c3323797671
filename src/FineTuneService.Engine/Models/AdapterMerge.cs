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
    public static void Save(BaseModel model, Adapter adapter, string folder, ComputeDtype dtype, Action? betweenTensors = null)
    {
        using var pool = new BufferPool(model.Weights.EmbedTokens.device);
        // A head that an adapter changed is no longer the embedding table.
        bool untied = model.Config.TieWordEmbeddings && adapter["lm_head"] is not null;
        ModelConfig config = untied ? model.Config with { TieWordEmbeddings = false } : model.Config;
        ModelSaver.Save(folder, config, model.Weights, dtype == ComputeDtype.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32, (linear, part) => Merged(linear, part, adapter, pool), betweenTensors);
        model.CopySideFiles(folder);
    }

    /// <summary>The merged weight [out, in] of one module, fp32; the base's own where the adapter does not target it.</summary>
    internal static Tensor Merged(LinearWeight linear, LinearPart part, Adapter adapter, BufferPool pool)
    {
        using var scope = NewDisposeScope();
        Tensor dense = linear.Dense(pool);
        Tensor weight = dense.narrow(0, part.Offset, part.Out).to_type(ScalarType.Float32).clone();
        pool.Return(dense);
        if (adapter[part.Module] is { } lora)
            weight.addmm_(lora.B.to_type(ScalarType.Float32), lora.A.to_type(ScalarType.Float32), beta: 1, alpha: (float)lora.Scaling);
        return weight.MoveToOuterDisposeScope();
    }
}
