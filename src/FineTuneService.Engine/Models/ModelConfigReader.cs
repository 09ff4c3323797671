using System.Text.Json;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Models;

/// <summary>Reads config.json, of old and new style (rope_parameters, dtype), and refuses by name what the decoder does not do.</summary>
internal static class ModelConfigReader
{
    private const string File = "config.json";

    // Several times the largest model that there is. They bound what a config alone can make the service allocate or count.
    private const int MostLayers = 4096, MostHeads = 4096, MostHeadDim = 4096, MostWidth = 1 << 20, MostTokens = 1 << 24;

    /// <exception cref="ModelException">Not a config, or one of a model that the Engine does not compute.</exception>
    public static ModelConfig Read(string json)
    {
        JsonSettings config = JsonSettings.Parse(json, File, message => new ModelException(message));
        RefuseOthers(config);
        ModelConfigKeys.RefuseUncomputed(config);
        return Check(Shape(config));
    }

    private static void RefuseOthers(JsonSettings config)
    {
        string? architecture = config["architectures"] is { ValueKind: JsonValueKind.Array } names && names.GetArrayLength() > 0
            ? config.TextOf("architectures", names[0]) : null;
        string? type = config.Text("model_type");
        if (type is null) throw config.Refuse("model_type is missing");
        if (type is not "llama") throw new ModelException($"{File}: architecture {architecture ?? type} is not supported: the Engine loads the Llama family (model_type llama).");
        if (architecture is not (null or "LlamaForCausalLM" or "LLaMAForCausalLM"))
            throw new ModelException($"{File}: architecture {architecture} is not supported: the Engine loads LlamaForCausalLM.");
        if (config.Text("hidden_act") is { } act and not ("silu" or "swish")) throw new ModelException($"{File}: hidden_act {act} is not supported: the Engine computes silu.");
        if (config["quantization_config"] is not null) throw new ModelException($"{File}: quantization_config is not supported: load the unquantised model and choose nf4 here.");
    }

    private static ModelConfig Shape(JsonSettings config)
    {
        int hidden = Required(config, "hidden_size", MostWidth), heads = Required(config, "num_attention_heads", MostHeads);
        int positions = config.Whole("max_position_embeddings", 1, int.MaxValue) ?? 2048;
        if (hidden % heads != 0) throw new ModelException($"{File}: num_attention_heads {heads} does not divide hidden_size {hidden}.");
        int headDim = config.Whole("head_dim", 1, MostHeadDim) ?? hidden / heads;
        (double theta, RopeScaling? scaling) = RopeSettings.Read(config, positions, headDim);
        return new ModelConfig
        {
            HiddenSize = hidden,
            IntermediateSize = Required(config, "intermediate_size", MostWidth),
            Layers = Required(config, "num_hidden_layers", MostLayers),
            Heads = heads,
            KeyValueHeads = config.Whole("num_key_value_heads", 1, MostHeads) ?? heads,
            HeadDim = headDim,
            VocabularySize = Required(config, "vocab_size", MostTokens),
            Epsilon = (float)(Between(config, "rms_norm_eps", 0, 1) ?? 1e-6),
            RopeTheta = theta,
            RopeScaling = scaling,
            MaxPositions = positions,
            TieWordEmbeddings = config.Flag("tie_word_embeddings") ?? false,
            AttentionBias = config.Flag("attention_bias") ?? false,
            MlpBias = config.Flag("mlp_bias") ?? false,
            InitializerRange = (float)(Between(config, "initializer_range", 0, 1) ?? 0.02),
            BosId = Ids(config, "bos_token_id") is [var bos, ..] ? bos : null,
            EosIds = Ids(config, "eos_token_id"),
        };
    }

    private static ModelConfig Check(ModelConfig config)
    {
        if (config.Heads % config.KeyValueHeads != 0)
            throw new ModelException($"{File}: num_key_value_heads {config.KeyValueHeads} does not divide num_attention_heads {config.Heads}.");
        if (config.HeadDim % 2 != 0) throw new ModelException($"{File}: head_dim {config.HeadDim} is odd; rotary embedding needs pairs.");
        return config;
    }

    /// <summary>One id, a list of them, or none. A negative one stands for none, as in the first configs of the family.</summary>
    public static IReadOnlyList<int> Ids(JsonSettings config, string name)
    {
        if (config[name] is not { } value) return [];
        JsonElement[] given = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Where(id => id.ValueKind != JsonValueKind.Null)] : [value];
        return [.. given.Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int number)
            ? number : throw config.Wrong(name, value, "a token's id or a list of them")).Where(id => id >= 0)];
    }

    private static double? Between(JsonSettings config, string name, double least, double most) =>
        config.Number(name) is not { } number || (number >= least && number <= most) ? config.Number(name) : throw config.Wrong(name, config[name]!.Value, $"{least} to {most}");

    private static int Required(JsonSettings config, string name, int most) =>
        config.Whole(name, 1, most) ?? throw new ModelException($"{File}: {name} is missing.");
}
