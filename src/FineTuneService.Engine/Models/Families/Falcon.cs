using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Falcon: 7B's layout, 40B's (new_decoder_architecture) and RW's with ALiBi (https://arxiv.org/abs/2311.16867).</summary>
internal static class Falcon
{
    public static readonly Family Family = new("falcon", ["FalconForCausalLM", "RWForCausalLM"], Read) { Prefix = "transformer." };

    private static readonly Names Names = new()
    {
        Embedding = "transformer.word_embeddings",
        Layer = "transformer.h.{0}.",
        FinalNorm = "transformer.ln_f",
        BeforeMlp = null,
        Qkv = ["self_attention.query_key_value"],
        O = "self_attention.dense",
        Up = ["mlp.dense_h_to_4h"],
        Down = "mlp.dense_4h_to_h",
    };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        bool grouped = json.Flag("new_decoder_architecture"), parallel = json.Flag("parallel_attn", true) || grouped, alibi = json.Flag("alibi");
        if (json.Flag("apply_residual_connection_post_layernorm")) throw json.Settings.Refuse("apply_residual_connection_post_layernorm is not supported");
        ModelConfig model = json.Model(tied: true, intermediate: hidden => json.Int("ffn_hidden_size", 1, 1 << 20) ?? 4 * hidden, epsilon: 1e-5);
        int groups = json.Int("num_kv_heads", 1, model.Heads) ?? json.Int("n_head_kv", 1, model.Heads) ?? model.Heads;
        bool multiQuery = json.Flag("multi_query", true), bias = json.Flag("bias");
        bool twoNorms = grouped && (json.Int("num_ln_in_parallel_attn", 1, 2) ?? 2) == 2;
        return model with
        {
            Names = twoNorms ? Names with { BeforeAttention = "ln_attn", BeforeMlp = "ln_mlp" }
                : parallel ? Names : Names with { BeforeMlp = "post_attention_layernorm" },
            KeyValueHeads = grouped ? groups : multiQuery ? 1 : model.Heads,
            GroupedQkv = true,
            Norm = NormKind.Layer,
            NormBias = true,
            Residual = parallel ? Residual.Parallel : Residual.Sequential,
            Gate = json.Gate("activation", "gelu"),
            GatedMlp = false,
            AttentionBias = bias,
            MlpBias = bias,
            Alibi = alibi,
        };
    }
}
