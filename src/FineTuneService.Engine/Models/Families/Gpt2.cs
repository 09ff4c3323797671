using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>GPT-2: learned positions, and weights stored [in, out].</summary>
internal static class Gpt2
{
    public static readonly Family Family = new("gpt2", ["GPT2LMHeadModel"], Read) { Prefix = "transformer." };

    private static readonly Names Names = new()
    {
        Embedding = "transformer.wte",
        Positions = "transformer.wpe",
        Layer = "transformer.h.{0}.",
        FinalNorm = "transformer.ln_f",
        BeforeAttention = "ln_1",
        BeforeMlp = "ln_2",
        Qkv = ["attn.c_attn"],
        O = "attn.c_proj",
        Up = ["mlp.c_fc"],
        Down = "mlp.c_proj",
    };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        // summary_* belong to a classifier's head.
        json.PassOver(json.Settings.Names.Where(name => name.StartsWith("summary_", StringComparison.Ordinal)));
        if (!json.Flag("scale_attn_weights", true)) throw json.Settings.Refuse("scale_attn_weights = false is not supported");
        if (json.Flag("scale_attn_by_inverse_layer_idx")) throw json.Settings.Refuse("scale_attn_by_inverse_layer_idx is not supported");
        json.PassOver("reorder_and_upcast_attn"); // The same in exact arithmetic.
        return json.Model(tied: true, intermediate: hidden => json.Int("n_inner", 1, 1 << 20) ?? 4 * hidden, epsilon: 1e-5) with
        {
            Names = Names,
            PositionOffset = 0,
            TransposedLinears = true,
            Norm = NormKind.Layer,
            NormBias = true,
            Gate = json.Gate("activation_function", "gelu_new"),
            GatedMlp = false,
            AttentionBias = true,
            MlpBias = true,
        };
    }
}
