using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>GPT-NeoX and Pythia (https://arxiv.org/abs/2204.06745): q, k, v head by head, a quarter of each head turned, both branches side by side.</summary>
internal static class GptNeoX
{
    public static readonly Family Family = new("gpt_neox", ["GPTNeoXForCausalLM"], Read) { Prefix = "gpt_neox." };

    private static readonly Names Names = new()
    {
        Embedding = "gpt_neox.embed_in",
        Layer = "gpt_neox.layers.{0}.",
        FinalNorm = "gpt_neox.final_layer_norm",
        Head = "embed_out",
        Qkv = ["attention.query_key_value"],
        O = "attention.dense",
        Up = ["mlp.dense_h_to_4h"],
        Down = "mlp.dense_4h_to_h",
    };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        bool bias = json.Flag("attention_bias", true);
        return json.Model(theta: json.Float("rotary_emb_base", 1) ?? 10000, partial: json.Float("rotary_pct", 0, 1) ?? 0.25, epsilon: 1e-5) with
        {
            Names = Names,
            GroupedQkv = true,
            Norm = NormKind.Layer,
            NormBias = true,
            Residual = json.Flag("use_parallel_residual", true) ? Residual.Parallel : Residual.Sequential,
            Gate = json.Gate("hidden_act", "gelu"),
            GatedMlp = false,
            AttentionBias = bias,
            MlpBias = true,
        };
    }
}
