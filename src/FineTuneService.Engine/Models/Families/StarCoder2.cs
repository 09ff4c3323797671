using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>StarCoder 2 (https://arxiv.org/abs/2402.19173): layer norms, biases everywhere, an MLP without a gate.</summary>
internal static class StarCoder2
{
    public static readonly Family Family = new("starcoder2", ["Starcoder2ForCausalLM"], Read);

    private static readonly Names Names = Names.Llama with { Up = ["mlp.c_fc"], Down = "mlp.c_proj" };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        json.PassOver("scale_attention_softmax_in_fp32", "scale_attn_weights"); // GPT-2's, in the published configs; transformers reads neither.
        if (json.Text("mlp_type") is { } mlp and not "default") throw json.Settings.Refuse($"mlp_type {mlp} is not supported");
        if (json.Text("norm_type") is { } norm and not "layer_norm") throw json.Settings.Refuse($"norm_type {norm} is not supported");
        bool bias = json.Flag("use_bias", true);
        ModelConfig model = json.Model(tied: true, epsilon: 1e-5) with
        {
            Names = Names,
            Norm = NormKind.Layer,
            NormBias = true,
            Gate = json.Gate("hidden_act", "gelu_pytorch_tanh"),
            GatedMlp = false,
            AttentionBias = bias,
            MlpBias = bias,
        };
        return model with { LayerTraits = Windows.OnEvery(json, model) };
    }
}
