using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>The config.json that a GGUF file's metadata and tensors stand for.</summary>
internal static class GgufConfig
{
    private const int MostWhole = 1 << 28;

    /// <exception cref="GgufException">A key is missing, out of range, or says what is not computed.</exception>
    /// <param name="tensors">By GGUF's names.</param>
    public static string Of(GgufMetadata metadata, ITensorSource tensors, GgufLayout layout)
    {
        HeadCounts heads = Heads(metadata);
        int hidden = Required("embedding_length"), layers = Required("block_count"), headDim = Whole("attention.key_length") ?? hidden / heads.Query;
        if (Whole("attention.value_length") is { } value && value != headDim) throw metadata.Refuse($"{metadata.Own("attention.value_length")} = {value} is not key_length {headDim}, which is not supported");
        var config = new JsonObject
        {
            ["architectures"] = new JsonArray(layout.ModelClass),
            ["model_type"] = layout.ModelType,
            ["vocab_size"] = tensors.Find("token_embd.weight") is { Shape: [var rows, _] } ? rows : throw metadata.Refuse("token_embd.weight is missing, or no matrix"),
            ["hidden_size"] = hidden,
            ["intermediate_size"] = Required("feed_forward_length"),
            ["num_hidden_layers"] = layers,
            ["num_attention_heads"] = heads.Query,
            ["num_key_value_heads"] = heads.KeyValue,
            ["head_dim"] = headDim,
            ["hidden_act"] = "silu",
            ["max_position_embeddings"] = Required("context_length"),
            [layout.Epsilon] = metadata.Number(metadata.Own(layout.EpsilonKey)) ?? 1e-5,
            ["rope_theta"] = metadata.Number(metadata.Own("rope.freq_base")) ?? 10000,
            ["tie_word_embeddings"] = tensors.Find("output.weight") is null,
            ["torch_dtype"] = "float32",
        };
        var reading = new GgufReading(metadata, tensors, config) { Hidden = hidden, Layers = layers, Heads = heads, HeadDim = headDim };
        if (reading.RotaryShare != 1) config["partial_rotary_factor"] = reading.RotaryShare;
        if (Whole("expert_count") is > 0 and var experts && !layout.HasExperts) throw metadata.Refuse($"{metadata.Own("expert_count")} = {experts}: mixtures of experts are not supported in {layout.Architecture}");
        if (GgufRope.Scaling(metadata, tensors, config) is { } scaling) config["rope_scaling"] = scaling;
        foreach (string name in (ReadOnlySpan<string>)["bos_token_id", "eos_token_id"])
        {
            if (metadata.Values.GetValueOrDefault("tokenizer.ggml." + name)?.Value is long id and >= 0 and < MostWhole) config[name] = id;
        }
        layout.Settings(reading);
        return config.ToJsonString();

        int? Whole(string name) => metadata.Whole(metadata.Own(name), 0, MostWhole);
        int Required(string name) => Whole(name) is > 0 and var number ? number : throw metadata.Refuse($"{metadata.Own(name)} is missing");
    }

    public static HeadCounts Heads(GgufMetadata metadata)
    {
        const int MostHeads = 1 << 16;
        string key = metadata.Own("attention.head_count");
        int heads = metadata.Whole(key, 1, MostHeads) ?? throw metadata.Refuse($"{key} is missing");
        return new HeadCounts(heads, metadata.Whole(metadata.Own("attention.head_count_kv"), 1, MostHeads) ?? heads);
    }
}
