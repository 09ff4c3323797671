using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Gemma 2 (https://arxiv.org/abs/2408.00118): a norm before and after each branch, capped scores and logits, every other layer with a window.</summary>
internal static class Gemma2
{
    public static readonly Family Family = new("gemma2", ["Gemma2ForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOver("hidden_act", "sliding_window_size"); // The published configs say the window twice; transformers reads the other.
        ModelConfig model = json.Model(tied: true);
        return model with
        {
            Names = Names.Sandwich,
            Norm = NormKind.RmsOnePlus,
            AttentionBias = json.Flag("attention_bias"),
            Gate = json.Gate("hidden_activation", "gelu_pytorch_tanh"),
            EmbeddingScale = MathF.Sqrt(model.HiddenSize),
            AttentionScale = 1 / MathF.Sqrt(json.Float("query_pre_attn_scalar", 1e-6) ?? 256),
            // A missing key is the published models' value; null is none.
            ScoreSoftCap = json.Float("attn_logit_softcapping", 1e-6) ?? (json.Settings.Has("attn_logit_softcapping") ? 0 : 50),
            LogitSoftCap = json.Float("final_logit_softcapping", 1e-6) ?? (json.Settings.Has("final_logit_softcapping") ? 0 : 30),
            LayerTraits = Windows.Some(json, model, i => i % 2 == 0, json.Int("sliding_window", 1) ?? 4096),
        };
    }
}
