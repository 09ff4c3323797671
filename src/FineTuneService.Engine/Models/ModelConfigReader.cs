using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Models;

/// <summary>Reads config.json, of old and new style (rope_parameters, dtype), and refuses by name what the decoder does not do.</summary>
internal static class ModelConfigReader
{
    public static ModelConfig Read(string json)
    {
        try
        {
            var config = JsonNode.Parse(json) as JsonObject ?? throw new ModelException("config.json is not a JSON object.");
            RefuseOthers(config);
            return Check(Shape(config));
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw new ModelException($"config.json cannot be read: {error.Message}");
        }
    }

    private static void RefuseOthers(JsonObject config)
    {
        string? architecture = (string?)(config["architectures"] as JsonArray)?.FirstOrDefault();
        string? type = (string?)config["model_type"];
        if (type is not "llama") throw new ModelException($"architecture {architecture ?? type ?? "(none)"} is not supported: the Engine loads the Llama family (model_type llama).");
        if (architecture is not (null or "LlamaForCausalLM" or "LLaMAForCausalLM"))
            throw new ModelException($"architecture {architecture} is not supported: the Engine loads LlamaForCausalLM.");
        if ((string?)config["hidden_act"] is { } act and not ("silu" or "swish")) throw new ModelException($"hidden_act {act} is not supported: the Engine computes silu.");
        if (config["quantization_config"] is not null) throw new ModelException("quantization_config is not supported: load the unquantised model and choose nf4 here.");
    }

    private static ModelConfig Shape(JsonObject config)
    {
        int hidden = Required(config, "hidden_size"), heads = Required(config, "num_attention_heads");
        int positions = (int?)config["max_position_embeddings"] ?? 2048;
        (double theta, RopeScaling? scaling) = RopeSettings.Read(config, positions);
        return new ModelConfig
        {
            HiddenSize = hidden,
            IntermediateSize = Required(config, "intermediate_size"),
            Layers = Required(config, "num_hidden_layers"),
            Heads = heads,
            KeyValueHeads = (int?)config["num_key_value_heads"] ?? heads,
            HeadDim = (int?)config["head_dim"] ?? hidden / Math.Max(1, heads),
            VocabularySize = Required(config, "vocab_size"),
            Epsilon = (float?)config["rms_norm_eps"] ?? 1e-6f,
            RopeTheta = theta,
            RopeScaling = scaling,
            MaxPositions = positions,
            TieWordEmbeddings = (bool?)config["tie_word_embeddings"] ?? false,
            AttentionBias = (bool?)config["attention_bias"] ?? false,
            MlpBias = (bool?)config["mlp_bias"] ?? false,
            InitializerRange = (float?)config["initializer_range"] ?? 0.02f,
            BosId = (int?)config["bos_token_id"],
            EosIds = Ids(config["eos_token_id"]),
        };
    }

    private static ModelConfig Check(ModelConfig config)
    {
        foreach ((string name, int value) in new[]
        {
            ("hidden_size", config.HiddenSize), ("intermediate_size", config.IntermediateSize), ("num_hidden_layers", config.Layers),
            ("num_attention_heads", config.Heads), ("num_key_value_heads", config.KeyValueHeads), ("head_dim", config.HeadDim),
            ("vocab_size", config.VocabularySize), ("max_position_embeddings", config.MaxPositions),
        })
        {
            if (value < 1) throw new ModelException($"config.json: {name} is {value}; it must be 1 or more.");
        }
        if (config.Heads % config.KeyValueHeads != 0)
            throw new ModelException($"config.json: num_key_value_heads {config.KeyValueHeads} does not divide num_attention_heads {config.Heads}.");
        if (config.HeadDim % 2 != 0) throw new ModelException($"config.json: head_dim {config.HeadDim} is odd; rotary embedding needs pairs.");
        return config;
    }

    /// <summary>One id, a list of them, or none.</summary>
    public static IReadOnlyList<int> Ids(JsonNode? node) => node switch
    {
        null => [],
        JsonArray ids => [.. ids.OfType<JsonNode>().Select(id => (int)id)],
        _ => [(int)node],
    };

    private static int Required(JsonObject config, string name) =>
        (int?)config[name] ?? throw new ModelException($"config.json: {name} is missing.");
}
