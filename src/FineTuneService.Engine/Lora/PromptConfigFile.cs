using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Lora;

/// <summary>adapter_config.json of a LLaMA-Adapter, as PEFT writes it.</summary>
internal static class PromptConfigFile
{
    public const string PeftType = "ADAPTION_PROMPT";

    private static readonly HashSet<string> Known =
        ["adapter_layers", "adapter_len", "auto_mapping", "base_model_name_or_path", "inference_mode", "peft_type", "peft_version", "revision", "target_modules", "task_type"];

    /// <exception cref="AdapterException">An option is missing, or not supported; the message names it.</exception>
    public static LoraConfig Parse(JsonSettings config)
    {
        if (config.Names.FirstOrDefault(name => !Known.Contains(name) && config[name] is not null) is { } option) throw config.Refuse($"{option} is not supported");
        if (config.Text("target_modules") is { } target and not "self_attn") throw config.Refuse($"target_modules '{target}' is not supported; adaption prompts go with self_attn");
        return LoraConfig.OfPrompt(new AdaptionPromptConfig
        {
            Length = config.Whole("adapter_len", 1, AdaptionPromptConfig.LongestPrompt) ?? throw config.Refuse("adapter_len is missing"),
            Layers = config.Whole("adapter_layers", 1, int.MaxValue) ?? throw config.Refuse("adapter_layers is missing"),
        });
    }

    public static string Write(AdaptionPromptConfig prompt, LoraLayout layout, string baseModel) => new JsonObject
    {
        ["adapter_layers"] = layout.Prompts.Count,
        ["adapter_len"] = prompt.Length,
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = baseModel,
        ["inference_mode"] = true,
        ["peft_type"] = PeftType,
        ["revision"] = null,
        ["target_modules"] = "self_attn",
        ["task_type"] = "CAUSAL_LM",
    }.ToJsonString(new() { WriteIndented = true });
}
