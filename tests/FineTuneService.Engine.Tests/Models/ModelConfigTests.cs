using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;

namespace FineTuneService.Engine.Tests.Models;

/// <summary>config.json: what changes a result is computed or refused by name, and no number of it is trusted.</summary>
public sealed class ModelConfigTests
{
    [Theory]
    [InlineData("sliding_window", "8")]
    [InlineData("attn_logit_softcapping", "50.0")]
    [InlineData("final_logit_softcapping", "30.0")]
    [InlineData("logit_scale", "0.0625")]
    [InlineData("logits_scaling", "8")]
    [InlineData("embedding_multiplier", "12")]
    [InlineData("residual_multiplier", "0.22")]
    [InlineData("query_pre_attn_scalar", "224")]
    [InlineData("use_qk_norm", "true")]
    [InlineData("no_rope_layers", "[1, 0]")]
    [InlineData("layer_types", "[\"full_attention\", \"sliding_attention\"]")]
    [InlineData("rope_interleaved", "true")]
    [InlineData("alibi", "true")]
    [InlineData("num_local_experts", "8")]
    [InlineData("attention_dropout", "0.1")]
    [InlineData("attention_chunk_size", "64")]
    [InlineData("clip_qkv", "8")]
    [InlineData("scale_emb", "12")]
    [InlineData("use_qkv_bias", "true")]
    [InlineData("is_causal", "false")]
    [InlineData("pruned_heads", "{\"0\": [1]}")]
    [InlineData("per_layer_config", "{\"0\": {\"hidden_act\": \"gelu\"}}")]
    [InlineData("position_embedding_type", "\"alibi\"")]
    public void Parse_KeyThatIsNotComputed_IsRefusedByName(string key, string value)
    {
        string message = Refusal(config => config[key] = JsonNode.Parse(value));
        Assert.Contains(key, message);
        Assert.Contains("config.json", message);
    }

    [Theory]
    [InlineData("sliding_window", "64")]
    [InlineData("sliding_window", "null")]
    [InlineData("attn_logit_softcapping", "null")]
    [InlineData("attention_dropout", "0.0")]
    [InlineData("embedding_multiplier", "1.0")]
    [InlineData("query_pre_attn_scalar", "4")]
    [InlineData("rope_interleaved", "false")]
    [InlineData("layer_types", "[\"full_attention\", \"full_attention\"]")]
    [InlineData("max_window_layers", "28")]
    [InlineData("pretraining_tp", "2")]
    [InlineData("pad_token_id", "-1")]
    [InlineData("max_sequence_length", "512")]
    [InlineData("is_llama_config", "true")]
    [InlineData("unsloth_version", "\"2026.1\"")]
    [InlineData("pruned_heads", "{}")]
    [InlineData("temperature", "0.6")]
    [InlineData("transformers.js_config", "{\"dtype\": \"q4\"}")]
    public void Parse_KeyThatChangesNothing_IsPassedOver(string key, string value)
    {
        JsonObject config = Whole();
        config[key] = JsonNode.Parse(value);
        Assert.Equal(16, ModelConfig.Parse(config.ToJsonString()).HiddenSize);
    }

    /// <summary>Keys of published configs that transformers does not read.</summary>
    [Theory]
    [InlineData("starcoder2", "Starcoder2ForCausalLM", """{"scale_attention_softmax_in_fp32": true, "scale_attn_weights": true, "attention_softmax_in_fp32": true, "norm_type": "layer_norm", "mlp_type": "default"}""")]
    [InlineData("gemma2", "Gemma2ForCausalLM", """{"sliding_window": 32, "sliding_window_size": 32, "cache_implementation": "hybrid"}""")]
    public void Parse_KeysOfAPublishedConfig_ArePassedOver(string type, string architecture, string keys)
    {
        JsonObject config = Whole();
        (config["model_type"], config["architectures"]) = (type, new JsonArray(architecture));
        foreach ((string key, JsonNode? value) in JsonNode.Parse(keys)!.AsObject()) config[key] = value?.DeepClone();
        Assert.Equal(16, ModelConfig.Parse(config.ToJsonString()).HiddenSize);
    }

    [Theory]
    [InlineData("num_hidden_layers", "1000000000")]
    [InlineData("num_hidden_layers", "1e9")]
    [InlineData("num_hidden_layers", "0")]
    [InlineData("hidden_size", "0")]
    [InlineData("hidden_size", "-16")]
    [InlineData("hidden_size", "2147483648")]
    [InlineData("hidden_size", "16.5")]
    [InlineData("hidden_size", "\"16\"")]
    [InlineData("hidden_size", "[16]")]
    [InlineData("hidden_size", "null")]
    [InlineData("hidden_size", "18")]
    [InlineData("intermediate_size", "2000000000")]
    [InlineData("vocab_size", "2000000000")]
    [InlineData("vocab_size", "true")]
    [InlineData("num_attention_heads", "0")]
    [InlineData("num_attention_heads", "3")]
    [InlineData("num_key_value_heads", "3")]
    [InlineData("num_key_value_heads", "8")]
    [InlineData("num_key_value_heads", "-1")]
    [InlineData("head_dim", "5")]
    [InlineData("head_dim", "1000000")]
    [InlineData("max_position_embeddings", "0")]
    [InlineData("max_position_embeddings", "99999999999")]
    [InlineData("rms_norm_eps", "1e999")]
    [InlineData("rms_norm_eps", "-1e-5")]
    [InlineData("rms_norm_eps", "\"1e-5\"")]
    [InlineData("initializer_range", "-1")]
    [InlineData("tie_word_embeddings", "\"true\"")]
    [InlineData("attention_bias", "1")]
    [InlineData("eos_token_id", "\"</s>\"")]
    [InlineData("eos_token_id", "[2, \"x\"]")]
    [InlineData("eos_token_id", "1.5")]
    [InlineData("hidden_act", "3")]
    [InlineData("model_type", "[\"llama\"]")]
    public void Parse_ValueOutOfRangeOrOfTheWrongType_IsNamed(string key, string value)
    {
        string message = Refusal(config => config[key] = JsonNode.Parse(value));
        Assert.Contains(key, message);
        Assert.DoesNotContain("System.", message);
    }

    [Theory]
    [InlineData("", "not JSON")]
    [InlineData("{", "not JSON")]
    [InlineData("[]", "a list")]
    [InlineData("\"llama\"", "a text")]
    [InlineData("null", "null")]
    [InlineData("{\"model_type\": \"\\ud800\"}", "half of a surrogate pair")]
    [InlineData("{\"\\ud800\": 1}", "half of a surrogate pair")]
    [InlineData("{\"model_type\": \"llama\", \"model_type\": \"llama\"}", "there twice")]
    public void Parse_NoConfig_SaysWhatItIs(string text, string said)
    {
        string message = Assert.Throws<ModelException>(() => ModelConfig.Parse(text)).Message;
        Assert.Contains(said, message);
        Assert.StartsWith("config.json", message);
    }

    private static string Refusal(Action<JsonObject> change)
    {
        JsonObject config = Whole();
        change(config);
        return Assert.Throws<ModelException>(() => ModelConfig.Parse(config.ToJsonString())).Message;
    }

    private static JsonObject Whole() => JsonNode.Parse("""
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64, "eos_token_id": 2}
        """)!.AsObject();
}
