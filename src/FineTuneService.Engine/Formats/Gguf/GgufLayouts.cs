using FineTuneService.Engine.Formats.Gguf.Layouts;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>The families that are read and written as GGUF: one file each in Layouts, and one line here. Another architecture is refused by name.</summary>
internal static class GgufLayouts
{
    public static readonly IReadOnlyList<GgufLayout> All =
    [
        LlamaLayouts.Llama, LlamaLayouts.Mixtral, QwenLayouts.Qwen2, QwenLayouts.Qwen3, QwenLayouts.Qwen3Moe, GemmaLayouts.Gemma, GemmaLayouts.Gemma2, GemmaLayouts.Gemma3,
        PhiLayouts.Phi2, PhiLayouts.Phi3, FalconLayouts.OneNorm, FalconLayouts.TwoNorms, GptNeoXLayout.Layout, Gpt2Layout.Layout, Olmo2Layout.Layout, StableLmLayout.Layout,
        StarCoder2Layout.Layout, GraniteLayout.Layout, SmolLm3Layout.Layout, CommandRLayout.Layout,
    ];

    /// <summary>The layout in which every tensor of the file has a name; one architecture may have several.</summary>
    /// <exception cref="GgufException">The architecture is not in the table.</exception>
    public static GgufLayout Of(GgufMetadata metadata, IEnumerable<string> tensors)
    {
        GgufLayout[] layouts = [.. All.Where(layout => layout.Architecture == metadata.Architecture)];
        string[] names = [.. tensors.Where(name => !GgufRope.IsFactor(name))];
        return layouts.FirstOrDefault(layout => names.All(name => layout.ToHuggingFace(name) is not null)) ?? layouts.FirstOrDefault()
            ?? throw metadata.Refuse($"the architecture {metadata.Architecture} is not supported as GGUF ({string.Join(", ", All.Select(layout => layout.Architecture).Distinct())} are)");
    }

    /// <summary>The layout to write a model of this config.json's model_type in; null where there is none. Mistral is a llama to ggml.</summary>
    /// <param name="tensors">Hugging Face's names.</param>
    public static GgufLayout? For(string modelType, IEnumerable<string> tensors)
    {
        GgufLayout[] layouts = [.. All.Where(layout => layout.ModelType == (modelType == "mistral" ? "llama" : modelType))];
        return layouts.FirstOrDefault(layout => tensors.All(name => layout.ToGguf(name) is not null)) ?? layouts.FirstOrDefault();
    }
}
