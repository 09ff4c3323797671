using System.Globalization;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// How llama.cpp's converter writes a family: names, and what it does to values. The table holds what is known to be equal to it; another
/// architecture is refused by name.
/// </summary>
/// <param name="Architecture">general.architecture.</param>
/// <param name="ModelType">config.json's model_type.</param>
/// <param name="ModelClass">config.json's architectures[0].</param>
/// <param name="BlockNames">GGUF's names of a block's modules, and Hugging Face's.</param>
internal sealed record GgufLayout(string Architecture, string ModelType, string ModelClass, IReadOnlyDictionary<string, string> BlockNames)
{
    private const string BlockPrefix = "blk.", LayerPrefix = "model.layers.";

    /// <summary>q and k rows of a head are reordered from halves to neighbouring pairs, which is how ggml rotates this family.</summary>
    public bool PairsQueryAndKey { get; init; }

    /// <summary>RMSNorm weights are stored as 1 + w.</summary>
    public bool NormsPlusOne { get; init; }

    private static readonly Dictionary<string, string> s_outer = new()
    {
        ["token_embd"] = "model.embed_tokens",
        ["output_norm"] = "model.norm",
        ["output"] = "lm_head",
    };

    private static readonly Dictionary<string, string> s_attention = new()
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
    };

    private static readonly Dictionary<string, string> s_gated = new()
    {
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    private static readonly Dictionary<string, string> s_headNorms = new() { ["attn_q_norm"] = "self_attn.q_norm", ["attn_k_norm"] = "self_attn.k_norm" };

    private static readonly Dictionary<string, string> s_preNorm = new(s_attention.Concat(s_gated)) { ["ffn_norm"] = "post_attention_layernorm" };

    private static readonly Dictionary<string, string> s_sandwich = new(s_attention.Concat(s_gated))
    {
        ["post_attention_norm"] = "post_attention_layernorm",
        ["ffn_norm"] = "pre_feedforward_layernorm",
        ["post_ffw_norm"] = "post_feedforward_layernorm",
    };

    private static readonly Dictionary<string, string> s_fused = new()
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_qkv"] = "self_attn.qkv_proj",
        ["attn_output"] = "self_attn.o_proj",
        ["ffn_norm"] = "post_attention_layernorm",
        ["ffn_up"] = "mlp.gate_up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    public static readonly IReadOnlyList<GgufLayout> All =
    [
        new("llama", "llama", "LlamaForCausalLM", s_preNorm) { PairsQueryAndKey = true },
        new("qwen2", "qwen2", "Qwen2ForCausalLM", s_preNorm),
        new("qwen3", "qwen3", "Qwen3ForCausalLM", new Dictionary<string, string>(s_preNorm.Concat(s_headNorms))),
        new("gemma", "gemma", "GemmaForCausalLM", s_preNorm) { NormsPlusOne = true },
        new("gemma2", "gemma2", "Gemma2ForCausalLM", s_sandwich) { NormsPlusOne = true },
        new("gemma3", "gemma3_text", "Gemma3ForCausalLM", new Dictionary<string, string>(s_sandwich.Concat(s_headNorms))) { NormsPlusOne = true },
        new("phi3", "phi3", "Phi3ForCausalLM", s_fused),
    ];

    /// <exception cref="GgufException">The architecture is not in the table.</exception>
    public static GgufLayout Of(GgufMetadata metadata) => All.FirstOrDefault(layout => layout.Architecture == metadata.Architecture)
        ?? throw metadata.Refuse($"the architecture {metadata.Architecture} is not supported as GGUF ({string.Join(", ", All.Select(layout => layout.Architecture))} are)");

    /// <summary>The layout to write a model of this config.json's model_type in; null where there is none. Mistral is a llama to ggml.</summary>
    public static GgufLayout? OfModelType(string modelType) => All.FirstOrDefault(layout => layout.ModelType == (modelType == "mistral" ? "llama" : modelType));

    /// <summary>Hugging Face's name of a tensor; null where the family has none of it.</summary>
    public string? ToHuggingFace(string name)
    {
        (string module, string kind) = Split(name);
        if (s_outer.TryGetValue(module, out string? outer)) return outer + kind;
        if (!module.StartsWith(BlockPrefix, StringComparison.Ordinal)) return null;
        string[] parts = module[BlockPrefix.Length..].Split('.', 2);
        return parts.Length == 2 && IsNumber(parts[0]) && BlockNames.TryGetValue(parts[1], out string? inner) ? $"{LayerPrefix}{parts[0]}.{inner}{kind}" : null;
    }

    /// <summary>GGUF's name of a tensor; null where the family has none of it.</summary>
    public string? ToGguf(string name)
    {
        (string module, string kind) = Split(name);
        if (s_outer.FirstOrDefault(pair => pair.Value == module).Key is { } outer) return outer + kind;
        if (!module.StartsWith(LayerPrefix, StringComparison.Ordinal)) return null;
        string[] parts = module[LayerPrefix.Length..].Split('.', 2);
        return parts.Length == 2 && IsNumber(parts[0]) && BlockNames.FirstOrDefault(pair => pair.Value == parts[1]).Key is { } inner ? $"{BlockPrefix}{parts[0]}.{inner}{kind}" : null;
    }

    /// <summary>Heads whose rows are reordered in the tensor of this GGUF name; null where none are.</summary>
    public int? PairedHeads(string name, int heads, int keyValueHeads) => !PairsQueryAndKey ? null
        : Split(name).Module is var module && module.EndsWith(".attn_q", StringComparison.Ordinal) ? heads
        : module.EndsWith(".attn_k", StringComparison.Ordinal) ? keyValueHeads : null;

    /// <summary>Whether the tensor of this GGUF name holds 1 + w.</summary>
    public bool IsPlusOne(string name) => NormsPlusOne && name.EndsWith("norm.weight", StringComparison.Ordinal);

    private static (string Module, string Kind) Split(string name) => name.LastIndexOf('.') is > 0 and var dot && name[dot..] is ".weight" or ".bias"
        ? (name[..dot], name[dot..]) : (name, "");

    private static bool IsNumber(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
