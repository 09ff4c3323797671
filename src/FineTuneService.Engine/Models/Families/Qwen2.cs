namespace FineTuneService.Engine.Models.Families;

/// <summary>Qwen 2 and 2.5 (https://arxiv.org/abs/2407.10671): biases on q, k and v, without a key that says so.</summary>
internal static class Qwen2
{
    public static readonly Family Family = new("qwen2", ["Qwen2ForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        ModelConfig model = json.Model() with { AttentionBias = true, OutputBias = false, Gate = json.Gate("hidden_act") };
        return model with { LayerTraits = Windows.LateLayers(json, model) };
    }
}
