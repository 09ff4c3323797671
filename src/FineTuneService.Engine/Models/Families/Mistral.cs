namespace FineTuneService.Engine.Models.Families;

/// <summary>Mistral (https://arxiv.org/abs/2310.06825): Llama with a sliding window on every layer.</summary>
internal static class Mistral
{
    public static readonly Family Family = new("mistral", ["MistralForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        ModelConfig model = json.Model();
        return model with { Gate = json.Gate("hidden_act"), LayerTraits = Windows.OnEvery(json, model) };
    }
}
