using FineTuneService.Engine.Kernels;

namespace FineTuneService.Engine.Models.Families;

/// <summary>Gemma (https://arxiv.org/abs/2403.08295): norms by 1 + weight, scaled embeddings, a gate of GELU's tanh form whatever its name says.</summary>
internal static class Gemma
{
    public static readonly Family Family = new("gemma", ["GemmaForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOver("hidden_act");
        ModelConfig model = json.Model(tied: true);
        return model with
        {
            Norm = NormKind.RmsOnePlus,
            AttentionBias = json.Flag("attention_bias"),
            // Its first configs say "gelu" and mean the tanh form.
            Gate = json.Gate("hidden_activation", Plain(json)),
            EmbeddingScale = MathF.Sqrt(model.HiddenSize),
        };
    }

    private static string Plain(ConfigJson json) => json.Text("hidden_act") is null or "gelu" ? "gelu_pytorch_tanh" : json.Text("hidden_act")!;
}
