using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Cohere's Command R: neighbours turned together, both branches after one norm without a bias, scaled logits.</summary>
internal static class Cohere
{
    public static readonly Family Family = new("cohere", ["CohereForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json) => json.Model(tied: true, theta: 500000, epsilon: 1e-5) with
    {
        Names = Names.Llama with { BeforeMlp = null, QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" },
        Norm = NormKind.Layer,
        Residual = Residual.Parallel,
        RotaryNeighbours = true,
        QueryKeyNorm = json.Flag("use_qk_norm") ? NormKind.Layer : null,
        HeadNorms = HeadNorms.EachItsOwn,
        AttentionBias = json.Flag("attention_bias"),
        Gate = json.Gate("hidden_act"),
        LogitScale = json.Float("logit_scale") ?? 0.0625f,
    };
}
