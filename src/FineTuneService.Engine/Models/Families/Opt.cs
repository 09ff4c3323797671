using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>OPT (https://arxiv.org/abs/2205.01068): learned positions; the 350M model norms its sums, and its embeddings are narrower.</summary>
internal static class Opt
{
    public static readonly Family Family = new("opt", ["OPTForCausalLM"], Read);

    private static readonly Names Names = new()
    {
        Embedding = "model.decoder.embed_tokens",
        Positions = "model.decoder.embed_positions",
        Layer = "model.decoder.layers.{0}.",
        FinalNorm = "model.decoder.final_layer_norm",
        ProjectIn = "model.decoder.project_in",
        ProjectOut = "model.decoder.project_out",
        BeforeAttention = "self_attn_layer_norm",
        BeforeMlp = "final_layer_norm",
        O = "self_attn.out_proj",
        Up = ["fc1"],
        Down = "fc2",
    };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        bool before = json.Flag("do_layer_norm_before", true), bias = json.Flag("enable_bias", true), affine = json.Flag("layer_norm_elementwise_affine", true);
        if (!affine) throw json.Settings.Refuse("layer_norm_elementwise_affine = false is not supported");
        ModelConfig model = json.Model(tied: true, intermediate: hidden => json.Int("ffn_dim", 1, 1 << 20) ?? 4 * hidden, epsilon: 1e-5);
        bool finalNorm = before && !json.Flag("_remove_final_layer_norm");
        int width = json.Int("word_embed_proj_dim", 1, 1 << 20) ?? model.HiddenSize;
        return model with
        {
            Names = Names with { FinalNorm = finalNorm ? Names.FinalNorm : null },
            PositionOffset = 2,
            EmbeddingWidth = width == model.HiddenSize ? 0 : width,
            Norm = NormKind.Layer,
            NormBias = true,
            Residual = before ? Residual.Sequential : Residual.NormedSum,
            Gate = json.Gate("activation_function", "relu"),
            GatedMlp = false,
            AttentionBias = bias,
            MlpBias = bias,
        };
    }
}
