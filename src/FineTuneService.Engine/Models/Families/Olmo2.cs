using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>OLMo 2 (https://arxiv.org/abs/2501.00656): norms after the branches only, and of all heads of q and k together.</summary>
internal static class Olmo2
{
    public static readonly Family Family = new("olmo2", ["Olmo2ForCausalLM"], Read);

    private static readonly Names Names = Names.Llama with
    {
        BeforeAttention = null,
        AfterAttention = "post_attention_layernorm",
        BeforeMlp = null,
        AfterMlp = "post_feedforward_layernorm",
        QueryNorm = "self_attn.q_norm",
        KeyNorm = "self_attn.k_norm",
    };

    private static ModelConfig Read(ConfigJson json) => json.Model(epsilon: 1e-5) with
    {
        Names = Names,
        Norm = NormKind.RmsRoundedLast,
        QueryKeyNorm = NormKind.RmsRoundedLast,
        HeadNorms = HeadNorms.Together,
        AttentionBias = json.Flag("attention_bias"),
        Gate = json.Gate("hidden_act"),
    };
}
