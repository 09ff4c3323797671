using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Gemma 3's text model (https://arxiv.org/abs/2503.19786): norms of q and k, five layers with a window and a rope of their own to one without.</summary>
internal static class Gemma3
{
    public static readonly Family Family = new("gemma3_text", ["Gemma3ForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOver("hidden_act", "_sliding_window_pattern", "use_bidirectional_attention");
        if (json.Flag("use_bidirectional_attention")) throw json.Settings.Refuse("use_bidirectional_attention is not supported");
        JsonSettings? rope = json.Settings.Object("rope_parameters"), full = rope?.Object("full_attention") ?? (rope?.Has("rope_type") == true ? rope : null);
        ModelConfig model = json.Model(tied: true, theta: 1e6, rope: full);
        int pattern = json.Int("sliding_window_pattern", 1) ?? json.Int("_sliding_window_pattern", 1) ?? 6;
        return model with
        {
            Names = Names.Sandwich with { QueryNorm = "self_attn.q_norm", KeyNorm = "self_attn.k_norm" },
            Norm = NormKind.RmsOnePlus,
            QueryKeyNorm = NormKind.RmsOnePlus,
            AttentionBias = json.Flag("attention_bias"),
            Gate = json.Gate("hidden_activation", "gelu_pytorch_tanh"),
            EmbeddingScale = MathF.Sqrt(model.HiddenSize),
            AttentionScale = 1 / MathF.Sqrt(json.Float("query_pre_attn_scalar", 1e-6) ?? 256),
            ScoreSoftCap = json.Float("attn_logit_softcapping", 1e-6) ?? 0,
            LogitSoftCap = json.Float("final_logit_softcapping", 1e-6) ?? 0,
            LocalRopeTheta = rope?.Object("sliding_attention")?.Number("rope_theta") ?? json.Float("rope_local_base_freq", 1) ?? 10000,
            LayerTraits = Windows.Some(json, model, i => (i + 1) % pattern != 0, json.Int("sliding_window", 1) ?? 4096, RopeUse.Local),
        };
    }
}
