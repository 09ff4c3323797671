using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>
/// LLaMA-Adapter, https://arxiv.org/abs/2303.16199 (PEFT's adaption prompt): in the last layers every token also attends to a few trained ones, and what
/// comes of it is added times a gate that begins at 0.
/// </summary>
public sealed record AdaptionPromptConfig
{
    /// <summary>Families that PEFT has it for, by model_type.</summary>
    internal static readonly string[] Families = ["llama", "mistral"];

    internal const int LongestPrompt = 1024;

    /// <summary>Trained tokens of a layer (PEFT's adapter_len), 1…1024.</summary>
    public int Length { get; init; } = 10;

    /// <summary>How many layers have them, counted from the last (PEFT's adapter_layers); null: all but the first two, as in the paper.</summary>
    public int? Layers { get; init; }

    /// <summary>The same of a model with so many layers.</summary>
    internal int LayersOf(int all) => Layers ?? Math.Max(1, all - 2);
}

/// <summary>A layer's trained tokens.</summary>
/// <param name="Key">Module of the first part of the layer's joined queries, keys and values.</param>
/// <param name="Module">The attention's.</param>
/// <param name="Prompt">[1, length, hidden].</param>
/// <param name="Gate">[1].</param>
internal sealed record PromptLayer(string Key, string Module, View Prompt, View Gate)
{
    public IEnumerable<(string Key, View View)> Views => [(PeftKeys.Gate(Module), Gate), (PeftKeys.Prompt(Module), Prompt)];

    /// <summary>Lays out the prompts of a model's last layers, and then their gates.</summary>
    /// <exception cref="ArgumentException">The family has none in PEFT, or the config asks for more layers than there are.</exception>
    public static LoraLayout Layout(ModelSlots model, AdaptionPromptConfig config)
    {
        if (!AdaptionPromptConfig.Families.Contains(model.ModelType))
            throw new ArgumentException($"LLaMA-Adapter (adaption prompt) is for {string.Join(" and ", AdaptionPromptConfig.Families)} models, as in PEFT; this is a {model.ModelType} model");
        if (config.Length is < 1 or > AdaptionPromptConfig.LongestPrompt) throw new ArgumentException($"adapter_len {config.Length} is not in 1…{AdaptionPromptConfig.LongestPrompt}");
        int count = config.LayersOf(model.Layers.Count);
        if (count < 1 || count > model.Layers.Count) throw new ArgumentException($"adapter_layers {count} is not in 1…{model.Layers.Count}, the model's layers");
        if (model.Layers[0].O.Bias) throw new ArgumentException("LLaMA-Adapter on a model with a bias behind its attention is not supported: PEFT adds that bias twice");
        long length = 0;
        View Take(params long[] shape)
        {
            var view = new View(length, shape);
            length += view.Length;
            return view;
        }
        LinearSlot[] attentions = [.. model.Layers.Skip(model.Layers.Count - count).Select(layer => layer.Qkv)];
        View[] prompts = [.. attentions.Select(qkv => Take(1, config.Length, qkv.In))];
        return new LoraLayout
        {
            Layers = [],
            Prompts = [.. attentions.Select((qkv, i) => new PromptLayer(qkv.Parts[0].Module, ModuleOf(qkv), prompts[i], Take(1)))],
            Length = length,
        };
    }

    private static string ModuleOf(LinearSlot qkv) => qkv.Parts[0].Module[..qkv.Parts[0].Module.LastIndexOf('.')];
}

/// <param name="Prompt">[1, length, hidden].</param>
/// <param name="Gate">[1].</param>
internal sealed record PromptTensors(Tensor Prompt, Tensor Gate);
