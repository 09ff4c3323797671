using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Phi 1, 1.5 and 2 (https://arxiv.org/abs/2309.05463): attention and MLP side by side after one norm, heads turned in part, biases everywhere.</summary>
internal static class Phi
{
    public static readonly Family Family = new("phi", ["PhiForCausalLM"], Read);

    private static readonly Names Names = Names.Llama with
    {
        FinalNorm = "model.final_layernorm",
        BeforeMlp = null,
        O = "self_attn.dense",
        Up = ["mlp.fc1"],
        Down = "mlp.fc2",
    };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        if (json.Flag("qk_layernorm")) throw json.Settings.Refuse("qk_layernorm is not supported in model_type phi");
        return json.Model(partial: 0.5, epsilon: 1e-5) with
        {
            Names = Names,
            Norm = NormKind.Layer,
            NormBias = true,
            Residual = Residual.Parallel,
            Gate = json.Gate("hidden_act", "gelu_new"),
            GatedMlp = false,
            AttentionBias = true,
            MlpBias = true,
            HeadBias = true,
        };
    }
}
