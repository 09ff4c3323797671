using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Writes a decoder's weights as a Hugging Face folder's config.json and model.safetensors, joined layers taken apart.</summary>
internal static class ModelSaver
{
    /// <param name="dtype">bf16 or fp32: of every tensor in the file.</param>
    /// <param name="weightOf">Replaces a linear module's weight [out, in] by another of its shape, such as the merged one.</param>
    /// <param name="betweenTensors">Called for each that is made, and each that is written: others may work meanwhile.</param>
    public static void Save(
        string folder, ModelConfig config, DecoderWeights weights, ScalarType dtype, Func<LinearWeight, LinearPart, Tensor> weightOf, Action? betweenTensors = null)
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJson(dtype == ScalarType.BFloat16 ? "bfloat16" : "float32"));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Tensors(config, weights, weightOf).Select(Stored), betweenTensors: betweenTensors);

        KeyValuePair<string, Tensor> Stored((string Name, Tensor Value) tensor)
        {
            betweenTensors?.Invoke();
            return KeyValuePair.Create(tensor.Name, tensor.Value.to_type(dtype));
        }
    }

    private static IEnumerable<(string Name, Tensor Value)> Tensors(ModelConfig config, DecoderWeights weights, Func<LinearWeight, LinearPart, Tensor> weightOf)
    {
        yield return ("model.embed_tokens.weight", weights.EmbedTokens);
        yield return ("model.norm.weight", weights.FinalNorm);
        for (int i = 0; i < weights.Layers.Length; i++)
        {
            yield return ($"model.layers.{i}.input_layernorm.weight", weights.Layers[i].InputNorm);
            yield return ($"model.layers.{i}.post_attention_layernorm.weight", weights.Layers[i].PostAttentionNorm);
        }
        foreach (LinearWeight linear in weights.Linears)
        {
            if (ReferenceEquals(linear, weights.Head) && config.TieWordEmbeddings) continue;
            foreach (LinearPart part in linear.Parts)
            {
                yield return (part.Module + ".weight", weightOf(linear, part));
                if (linear.Bias is not null) yield return (part.Module + ".bias", linear.Bias.narrow(0, part.Offset, part.Out));
            }
        }
    }
}
