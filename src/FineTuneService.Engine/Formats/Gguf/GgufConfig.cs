using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>The config.json that a GGUF file's metadata and tensors stand for.</summary>
internal static class GgufConfig
{
    public const string Divisors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";

    private const int MostWhole = 1 << 28;

    /// <summary>Whether a tensor says how rotary frequencies are scaled, which config.json does.</summary>
    public static bool IsRopeFactor(string name) => name is Divisors or LongFactors or ShortFactors;

    /// <exception cref="GgufException">A key is missing, out of range, or says what is not computed.</exception>
    /// <param name="tensors">By GGUF's names.</param>
    public static string Of(GgufMetadata metadata, ITensorSource tensors, GgufLayout layout)
    {
        int hidden = Required("embedding_length"), heads = Required("attention.head_count"), layers = Required("block_count");
        int headDim = Whole("attention.key_length") ?? hidden / heads;
        if (Whole("attention.value_length") is { } value && value != headDim) throw metadata.Refuse($"{metadata.Own("attention.value_length")} = {value} is not key_length {headDim}, which is not supported");
        if (Whole("expert_count") is > 0 and var experts) throw metadata.Refuse($"{metadata.Own("expert_count")} = {experts}: mixtures of experts are not supported as GGUF");
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(layout.ModelClass),
            ["model_type"] = layout.ModelType,
            ["vocab_size"] = tensors.Find("token_embd.weight") is { Shape: [var rows, _] } ? rows : throw metadata.Refuse("token_embd.weight is missing, or no matrix"),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = Required("feed_forward_length"),
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads,
            ["num_key_value_heads"] = Whole("attention.head_count_kv") ?? heads,
            ["head_dim"] = headDim,
            ["hidden_act"] = layout.NormsPlusOne ? "gelu_pytorch_tanh" : "silu",
            ["max_position_embeddings"] = Required("context_length"),
            ["rms_norm_eps"] = metadata.Number(metadata.Own("attention.layer_norm_rms_epsilon")) ?? 1e-5,
            ["rope_theta"] = metadata.Number(metadata.Own("rope.freq_base")) ?? 10000,
            ["tie_word_embeddings"] = tensors.Find("output.weight") is null,
            ["torch_dtype"] = "float32",
        };
        if (Whole("rope.dimension_count") is { } turned && turned != headDim) config["partial_rotary_factor"] = (double)turned / headDim;
        AddFamily(config, metadata, layout, tensors, (hidden, heads, headDim, layers));
        if (RopeScaling(metadata, tensors, config) is { } scaling) config["rope_scaling"] = scaling;
        foreach ((string key, string name) in (ReadOnlySpan<(string, string)>)[("bos_token_id", "bos_token_id"), ("eos_token_id", "eos_token_id")])
        {
            if (metadata.Values.GetValueOrDefault("tokenizer.ggml." + key)?.Value is long id and >= 0 and < MostWhole) config[name] = id;
        }
        return config.ToJsonString();

        int? Whole(string name) => metadata.Whole(metadata.Own(name), 0, MostWhole);
        int Required(string name) => Whole(name) is > 0 and var number ? number : throw metadata.Refuse($"{metadata.Own(name)} is missing");
    }

    private static void AddFamily(JsonObject config, GgufMetadata metadata, GgufLayout layout, ITensorSource tensors, (int Hidden, int Heads, int HeadDim, int Layers) sizes)
    {
        bool hasBias = tensors.Find("blk.0.attn_q.bias") is not null;
        if (layout.ModelType is "llama" or "qwen3") config["attention_bias"] = hasBias;
        if (layout.ModelType == "llama") config["mlp_bias"] = tensors.Find("blk.0.ffn_up.bias") is not null;
        int? window = metadata.Whole(metadata.Own("attention.sliding_window"), 1, MostWhole);
        if (layout.ModelType == "llama" && window is not null)
        {
            // Mistral is written as a llama.
            (config["model_type"], config["architectures"]) = ("mistral", new JsonArray("MistralForCausalLM"));
            config.Remove("attention_bias");
            config.Remove("mlp_bias");
        }
        if (layout.ModelType != "qwen2" && window is not null) config["sliding_window"] = window;
        if (layout.NormsPlusOne)
        {
            config["hidden_activation"] = "gelu_pytorch_tanh";
            config["attention_bias"] = hasBias;
        }
        if (layout.ModelType is "gemma2" or "gemma3_text")
        {
            // It has no key: readers take the size of a head, but for Gemma 2 27B and Gemma 3 27B, which divide by what a head would have.
            config["query_pre_attn_scalar"] = (layout.ModelType, sizes.Layers) is ("gemma2", 46) or ("gemma3_text", 62) ? sizes.Hidden / sizes.Heads : sizes.HeadDim;
            config["attn_logit_softcapping"] = metadata.Number(metadata.Own("attn_logit_softcapping"));
            config["final_logit_softcapping"] = metadata.Number(metadata.Own("final_logit_softcapping"));
        }
        if (layout.ModelType == "gemma3_text")
        {
            config["rope_local_base_freq"] = metadata.Number(metadata.Own("rope.freq_base_swa")) ?? 10000;
            config["sliding_window_pattern"] = metadata.Whole(metadata.Own("attention.sliding_window_pattern"), 1, MostWhole) ?? 6;
        }
    }

    /// <summary>
    /// Llama 3's scaling is stored as what it divides each frequency by: in transformers' terms longrope's factors, the same for short
    /// and long texts, without its factor on scores.
    /// </summary>
    private static JsonObject? RopeScaling(GgufMetadata metadata, ITensorSource tensors, JsonObject config)
    {
        int original = metadata.Whole(metadata.Own("rope.scaling.original_context_length"), 1, MostWhole) ?? config["max_position_embeddings"]!.GetValue<int>();
        if (tensors.Find(LongFactors) is not null && tensors.Find(ShortFactors) is not null)
        {
            config["original_max_position_embeddings"] = original;
            return Longrope(Factors(ShortFactors), Factors(LongFactors), metadata.Number(metadata.Own("rope.scaling.attn_factor")));
        }
        if (tensors.Find(Divisors) is not null)
        {
            config["original_max_position_embeddings"] = original;
            return Longrope(Factors(Divisors), Factors(Divisors), 1);
        }
        double factor = metadata.Number(metadata.Own("rope.scaling.factor")) ?? 1;
        return metadata.Text(metadata.Own("rope.scaling.type")) switch
        {
            null or "none" => null,
            "linear" when factor == 1 => null,
            "linear" => new() { ["rope_type"] = "linear", ["factor"] = factor },
            "yarn" => new() { ["rope_type"] = "yarn", ["factor"] = factor, ["original_max_position_embeddings"] = original },
            { } type => throw metadata.Refuse($"{metadata.Own("rope.scaling.type")} = {type} is not supported"),
        };

        JsonArray Factors(string name)
        {
            using Tensor values = tensors.Read(name), numbers = values.to_type(ScalarType.Float32);
            if (values.numel() > 1024) throw metadata.Refuse($"{name} has {values.numel()} elements, more than any head");
            return new JsonArray([.. numbers.data<float>().Select(number => float.IsFinite(number) && number > 0 ? JsonValue.Create(number) : throw metadata.Refuse($"{name} holds {number}, which no frequency is divided by"))]);
        }
    }

    private static JsonObject Longrope(JsonArray shortFactors, JsonArray longFactors, double? attention)
    {
        var scaling = new JsonObject { ["rope_type"] = "longrope", ["short_factor"] = shortFactors, ["long_factor"] = longFactors };
        if (attention is not null) scaling["attention_factor"] = attention;
        return scaling;
    }
}
