namespace FineTuneService.Engine.Models.Families;

/// <summary>Granite 3 (https://arxiv.org/abs/2408.13359's multipliers): Llama with factors on embeddings, scores, branches and logits.</summary>
internal static class Granite
{
    public static readonly Family Family = new("granite", ["GraniteForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        return json.Model() with
        {
            AttentionBias = json.Flag("attention_bias"),
            MlpBias = json.Flag("mlp_bias"),
            Gate = json.Gate("hidden_act"),
            EmbeddingScale = json.Float("embedding_multiplier") ?? 1,
            AttentionScale = json.Float("attention_multiplier") ?? 1,
            ResidualScale = json.Float("residual_multiplier") ?? 1,
            LogitScale = 1 / (json.Float("logits_scaling", 1e-6) ?? 1),
        };
    }
}
