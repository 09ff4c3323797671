using System.Text.Json;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Models;

/// <summary>
/// Keys of config.json that would change what a model computes, and that the decoder does not compute: they are refused by name unless
/// their value changes nothing. Keys of no effect (names, versions, generation's defaults) are passed over, as in transformers.
/// </summary>
internal static class ModelConfigKeys
{
    /// <summary>What <see cref="ModelConfigReader"/> and <see cref="RopeSettings"/> read, and what has no effect although it sounds so.</summary>
    private static readonly HashSet<string> Known =
    [
        "rope_parameters", "rope_scaling", "rope_theta", "partial_rotary_factor",
        // Where a sliding_window applies; that it does is refused by itself.
        "use_sliding_window", "max_window_layers", "sliding_window_pattern",
        // Of norms that this family has not.
        "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon",
    ];

    /// <summary>The name of every key that changes a decoder's arithmetic has one of these: other families' keys, and those of Llama's forks.</summary>
    private static readonly HashSet<string> Words =
    [
        "activation", "alibi", "bias", "bidirectional", "cap", "capping", "causal", "chunk", "clip", "dropout", "expert", "experts", "interleaved", "layernorm", "moe",
        "multiplier", "norm", "parallel", "pruned", "qk", "residual", "rope", "rotary", "scalar", "scale", "scaling", "sink", "sinks", "skip", "sliding", "softcap",
        "softcapping", "tuning", "window",
    ];

    /// <exception cref="ModelException">Names the first such key.</exception>
    public static void RefuseUncomputed(ConfigJson read)
    {
        JsonSettings config = read.Settings;
        foreach (string name in config.Names)
        {
            if (config[name] is { } value && !read.WasRead(name) && !Known.Contains(name) && !IsPlain(name, value, config))
                throw config.Refuse($"{name} = {JsonSettings.Short(value)} is not supported: the decoder does not compute it");
        }
    }

    private static bool IsPlain(string name, JsonElement value, JsonSettings config)
    {
        string[] words = name.Split('_');
        return name switch
        {
            // A window as long as the longest sequence hides nothing.
            "sliding_window" => config.Flag("use_sliding_window") == false || config.Whole(name, 1, int.MaxValue) >= (config.Whole("max_position_embeddings", 1, int.MaxValue) ?? 2048),
            "layer_types" => All(value, type => Says(type, "full_attention")),
            "no_rope_layers" => All(value, rope => rope.GetRawText() is "1" or "true"),
            "per_layer_config" => IsNothing(value),
            "is_causal" => value.ValueKind == JsonValueKind.True,
            "rope_type" => Says(value, "default"),
            "position_embedding_type" => Says(value, "rope") || Says(value, "rotary"),
            "hidden_activation" or "activation_function" => Says(value, "silu") || Says(value, "swish"),
            "query_pre_attn_scalar" => config.Number(name) == (config.Number("head_dim") ?? config.Number("hidden_size") / config.Number("num_attention_heads")),
            _ when !words.Any(Words.Contains) => true,
            _ when words.Contains("multiplier") || words.Contains("scale") || words.Contains("scaling") => IsNothing(value) || value.GetRawText() is "1" or "1.0",
            _ when value.ValueKind == JsonValueKind.Number => config.Number(name) == 0 && !words.Contains("window"),
            _ => IsNothing(value),
        };
    }

    private static bool Says(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    private static bool All(JsonElement list, Func<JsonElement, bool> plain) => list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(plain);

    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };
}
