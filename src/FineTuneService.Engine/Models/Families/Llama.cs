namespace FineTuneService.Engine.Models.Families;

/// <summary>Llama 1, 2 and 3 (https://arxiv.org/abs/2407.21783), and all that share its config: the other families say how they differ from it.</summary>
internal static class Llama
{
    public static readonly Family Family = new("llama", ["LlamaForCausalLM", "LLaMAForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json) => json.Model() with
    {
        AttentionBias = json.Flag("attention_bias"),
        MlpBias = json.Flag("mlp_bias"),
        Gate = json.Gate("hidden_act"),
    };
}
