using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>The tensors that a config asks for, and whether files hold them: told by the files' headers, before anything is allocated.</summary>
internal static class Checkpoint
{
    /// <exception cref="ModelException">A tensor is missing, misshapen, of another type, or not part of the model.</exception>
    /// <exception cref="TensorFileException">A tensor holds NaN or infinity.</exception>
    public static void Check(ModelConfig config, ITensorSource files)
    {
        CheckHeaders(config, files);
        // Last, since it reads the whole of them.
        foreach ((string name, _) in Tensors(config)) files.RefuseNonFinite(name);
    }

    /// <summary>The same without the values being read.</summary>
    public static void CheckHeaders(ModelConfig config, ITensorSource files)
    {
        var known = new HashSet<string>();
        foreach ((string name, long[] shape) in Tensors(config))
        {
            Check(name, shape, files);
            known.Add(name);
        }
        if (config.TieWordEmbeddings) known.Add("lm_head.weight"); // Some tied checkpoints store the copy.
        string[] extras = [.. files.Names.Where(name => !known.Contains(name) && !IsBuffer(name)).Order(StringComparer.Ordinal)];
        if (extras.Length > 0)
            throw new ModelException($"tensor {extras[0]} is not part of the model that config.json describes ({extras.Length} such tensors).");
    }

    private static void Check(string name, long[] shape, ITensorSource files)
    {
        StoredTensor entry = files.Find(name) ?? throw new ModelException($"tensor {name} is missing.");
        if (!entry.Shape.AsSpan().SequenceEqual(shape))
            throw new ModelException($"tensor {name} has shape [{string.Join(", ", entry.Shape)}]; config.json asks for [{string.Join(", ", shape)}].");
        if (entry.Dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16))
            throw new ModelException($"tensor {name} is {entry.DtypeName}; weights must be F32, BF16 or F16.");
    }

    private static IEnumerable<(string Name, long[] Shape)> Tensors(ModelConfig config)
    {
        yield return ("model.embed_tokens.weight", [config.VocabularySize, config.HiddenSize]);
        for (int i = 0; i < config.Layers; i++)
        {
            yield return ($"model.layers.{i}.input_layernorm.weight", [config.HiddenSize]);
            yield return ($"model.layers.{i}.post_attention_layernorm.weight", [config.HiddenSize]);
        }
        yield return ("model.norm.weight", [config.HiddenSize]);
        foreach (LinearShape linear in config.Linears)
        {
            foreach (LinearPartShape part in linear.Parts)
            {
                if (part.Module == "lm_head" && config.TieWordEmbeddings) continue;
                yield return (part.Module + ".weight", [part.Out, linear.In]);
                if (config.HasBias(part.Module)) yield return (part.Module + ".bias", [part.Out]);
            }
        }
    }

    /// <summary>What old checkpoints stored although it follows from the config.</summary>
    private static bool IsBuffer(string name) =>
        name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal) || name.EndsWith(".attn.bias", StringComparison.Ordinal)
        || name.EndsWith(".masked_bias", StringComparison.Ordinal);
}
