using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Models;

/// <summary>config.json of a model that is saved.</summary>
internal static class ConfigWriter
{
    /// <param name="dtype">Of the tensors beside it: float32, bfloat16 or float16.</param>
    public static string Write(ModelConfig config, string dtype)
    {
        JsonObject json = config.Json is { } text ? JsonNode.Parse(text)!.AsObject() : Made(config);
        json.Remove("dtype");
        json.Remove("quantization_config");
        json["torch_dtype"] = dtype;
        json["tie_word_embeddings"] = config.TieWordEmbeddings;
        return json.ToJsonString(new() { WriteIndented = true });
    }

    /// <summary>Of a model that was made here, which is a Llama.</summary>
    private static JsonObject Made(ModelConfig config) => new()
    {
        ["architectures"] = new JsonArray("LlamaForCausalLM"),
        ["model_type"] = "llama",
        ["attention_bias"] = config.AttentionBias,
        ["bos_token_id"] = config.BosId,
        ["eos_token_id"] = config.EosIds.Count == 1 ? config.EosIds[0] : new JsonArray([.. config.EosIds.Select(id => (JsonNode)id)]),
        ["head_dim"] = config.HeadDim,
        ["hidden_act"] = "silu",
        ["hidden_size"] = config.HiddenSize,
        ["initializer_range"] = (double)(decimal)config.InitializerRange,
        ["intermediate_size"] = config.IntermediateSize,
        ["max_position_embeddings"] = config.MaxPositions,
        ["mlp_bias"] = config.MlpBias,
        ["num_attention_heads"] = config.Heads,
        ["num_hidden_layers"] = config.Layers,
        ["num_key_value_heads"] = config.KeyValueHeads,
        ["rms_norm_eps"] = (double)(decimal)config.Epsilon,
        ["rope_scaling"] = RopeSettings.ToJson(config.RopeScaling),
        ["rope_theta"] = config.RopeTheta,
        ["vocab_size"] = config.VocabularySize,
    };
}
