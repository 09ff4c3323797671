using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Models;

/// <summary>Writes a decoder's weights as a Hugging Face folder's config.json and model.safetensors, by its family's names, joined layers taken apart.</summary>
internal static class ModelSaver
{
    /// <param name="dtype">bf16, fp16 or fp32: of every tensor in the file.</param>
    /// <param name="weightOf">Replaces a linear module's weight [out, in] by another of its shape, such as the merged one.</param>
    /// <param name="own">Replaces an embedding, norm or bias, by its name: another of its shape, or null.</param>
    /// <param name="betweenTensors">Called for each that is made, and each that is written: others may work meanwhile.</param>
    public static void Save(
        string folder, ModelConfig config, DecoderWeights weights, ScalarType dtype, Func<LinearWeight, LinearPart, Tensor> weightOf,
        Func<string, Tensor?>? own = null, Action? betweenTensors = null)
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJson(dtype switch { ScalarType.BFloat16 => "bfloat16", ScalarType.Float16 => "float16", _ => "float32" }));
        SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), Tensors(config.Slots, weights, weightOf).Select(Stored), betweenTensors: betweenTensors);

        KeyValuePair<string, Tensor> Stored((Slot Slot, Tensor Value) tensor)
        {
            betweenTensors?.Invoke();
            Tensor changed = own?.Invoke(tensor.Slot.Name) ?? tensor.Value;
            Tensor value = tensor.Slot.Transposed ? changed.t() : changed;
            return KeyValuePair.Create(tensor.Slot.Name, value.to_type(dtype).contiguous());
        }
    }

    private static IEnumerable<(Slot Slot, Tensor Value)> Tensors(ModelSlots slots, DecoderWeights weights, Func<LinearWeight, LinearPart, Tensor> weightOf)
    {
        yield return (slots.Embedding, weights.Embedding.Values());
        if (slots.Positions is not null) yield return (slots.Positions, weights.Positions!);
        foreach ((NormSlot slot, NormWeight norm) in slots.Norms.Zip(weights.Norms))
        {
            Slot[] each = [.. slot.Slots];
            Tensor[] values = [norm.Weight, .. norm.Bias is null ? [] : (Tensor[])[norm.Bias]];
            int modules = slot.Modules.Count;
            for (int i = 0; i < each.Length; i++) yield return (each[i], modules == 1 ? values[i] : values[i / modules].select(0, i % modules));
        }
        foreach ((LinearSlot slot, LinearWeight linear) in slots.Linears.Zip(weights.Linears))
        {
            if (!(slot.IsHead && slots.HeadIsTied))
            {
                foreach ((Slot weight, LinearPart part) in slot.Weights.Zip(slot.Parts)) yield return (weight, weightOf(linear, part));
            }
            foreach ((Slot bias, LinearPart part) in slot.Biases.Zip(slot.Parts)) yield return (bias, linear.Bias!.narrow(0, part.Offset, part.Out));
        }
    }
}
