using System.Text.Json.Nodes;
using FineTuneService.Engine.Lora;

namespace FineTuneService.Engine.Models;

public sealed record ModelConfig
{
    public int HiddenSize { get; init; }
    public int IntermediateSize { get; init; }
    public int Layers { get; init; }
    public int Heads { get; init; }
    public int KeyValueHeads { get; init; }
    public int HeadDim { get; init; }
    public int VocabularySize { get; init; }
    public float Epsilon { get; init; } = 1e-6f;
    public double RopeTheta { get; init; } = 10000;
    public RopeScaling? RopeScaling { get; init; }
    public int MaxPositions { get; init; } = 2048;
    public bool TieWordEmbeddings { get; init; }
    public bool AttentionBias { get; init; }
    public bool MlpBias { get; init; }

    internal IEnumerable<LinearShape> Linears
    {
        get
        {
            int q = Heads * HeadDim, kv = KeyValueHeads * HeadDim;
            for (int i = 0; i < Layers; i++)
            {
                string p = $"model.layers.{i}.";
                yield return new LinearShape(HiddenSize, [new(p + "self_attn.q_proj", 0, q), new(p + "self_attn.k_proj", q, kv), new(p + "self_attn.v_proj", q + kv, kv)]);
                yield return new LinearShape(q, [new(p + "self_attn.o_proj", 0, HiddenSize)]);
                yield return new LinearShape(HiddenSize, [new(p + "mlp.gate_proj", 0, IntermediateSize), new(p + "mlp.up_proj", IntermediateSize, IntermediateSize)]);
                yield return new LinearShape(IntermediateSize, [new(p + "mlp.down_proj", 0, HiddenSize)]);
            }
            yield return new LinearShape(HiddenSize, [new("lm_head", 0, VocabularySize)]);
        }
    }

    public static ModelConfig Load(string folder)
    {
        var c = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        int heads = (int)c["num_attention_heads"]!, hidden = (int)c["hidden_size"]!;
        return new ModelConfig
        {
            HiddenSize = hidden, IntermediateSize = (int)c["intermediate_size"]!, Layers = (int)c["num_hidden_layers"]!, Heads = heads,
            KeyValueHeads = (int?)c["num_key_value_heads"] ?? heads, HeadDim = (int?)c["head_dim"] ?? hidden / heads, VocabularySize = (int)c["vocab_size"]!,
            Epsilon = (float?)c["rms_norm_eps"] ?? 1e-6f, RopeTheta = (double?)c["rope_theta"] ?? 10000, RopeScaling = Rope(c["rope_scaling"] as JsonObject, (int?)c["max_position_embeddings"] ?? 2048),
            MaxPositions = (int?)c["max_position_embeddings"] ?? 2048, TieWordEmbeddings = (bool?)c["tie_word_embeddings"] ?? false,
            AttentionBias = (bool?)c["attention_bias"] ?? false, MlpBias = (bool?)c["mlp_bias"] ?? false,
        };
    }

    private static RopeScaling? Rope(JsonObject? r, int max) => (string?)(r?["rope_type"] ?? r?["type"]) switch
    {
        null or "default" => null,
        "linear" => new LinearRopeScaling((double)r!["factor"]!),
        "dynamic" => new DynamicRopeScaling((double)r!["factor"]!),
        "llama3" => new Llama3RopeScaling((double)r!["factor"]!, (double)r["low_freq_factor"]!, (double)r["high_freq_factor"]!, (int)r["original_max_position_embeddings"]!),
        "yarn" => new YarnRopeScaling((double)r!["factor"]!, (double?)r["beta_fast"] ?? 32, (double?)r["beta_slow"] ?? 1, (int?)r["original_max_position_embeddings"] ?? max, (double?)r["attention_factor"]),
        string other => throw new NotSupportedException($"rope scaling {other} is not supported"),
    };
}
