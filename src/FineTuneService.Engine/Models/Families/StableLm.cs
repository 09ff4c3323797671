using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>StableLM 2 (https://arxiv.org/abs/2402.17834): layer norms, a quarter of each head turned, at times a norm for each head.</summary>
internal static class StableLm
{
    public static readonly Family Family = new("stablelm", ["StableLmForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        bool parallel = json.Flag("use_parallel_residual");
        return json.Model(partial: 0.25, epsilon: 1e-5) with
        {
            Names = Names.Llama with
            {
                BeforeMlp = parallel ? null : Names.Llama.BeforeMlp,
                QueryNorm = "self_attn.q_layernorm.norms.{0}",
                KeyNorm = "self_attn.k_layernorm.norms.{0}",
            },
            Norm = NormKind.Layer,
            NormBias = true,
            Residual = parallel ? Residual.Parallel : Residual.Sequential,
            QueryKeyNorm = json.Flag("qk_layernorm") ? NormKind.Layer : null,
            HeadNorms = HeadNorms.EachItsOwn,
            AttentionBias = json.Flag("use_qkv_bias"),
            OutputBias = false,
            Gate = json.Gate("hidden_act"),
        };
    }
}
