using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Qwen 3 (https://arxiv.org/abs/2505.09388): a norm of each head of q and k.</summary>
internal static class Qwen3
{
    public static readonly Names Names = Names.Llama with { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" };

    public static readonly Family Family = new("qwen3", ["Qwen3ForCausalLM"], Read);

    internal static ModelConfig Read(ConfigJson json)
    {
        ModelConfig model = json.Model() with
        {
            Names = Names,
            AttentionBias = json.Flag("attention_bias"),
            QueryKeyNorm = NormKind.Rms,
            Gate = json.Gate("hidden_act"),
        };
        return model with { LayerTraits = Windows.LateLayers(json, model) };
    }
}
