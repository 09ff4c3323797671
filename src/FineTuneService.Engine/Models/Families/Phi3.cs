namespace FineTuneService.Engine.Models.Families;

/// <summary>Phi 3 and 4 (https://arxiv.org/abs/2404.14219): Llama with q, k, v in one module and gate and up in another, and LongRoPE.</summary>
internal static class Phi3
{
    public static readonly Family Family = new("phi3", ["Phi3ForCausalLM"], Read);

    private static readonly Names Names = Names.Llama with { Qkv = ["self_attn.qkv_proj"], Up = ["mlp.gate_up_proj"] };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOverDropout();
        json.PassOver("original_max_position_embeddings");
        ModelConfig model = json.Model(partial: 1, epsilon: 1e-5) with { Names = Names, Gate = json.Gate("hidden_act") };
        if (json.Flag("attention_bias")) throw json.Settings.Refuse("attention_bias is not supported in model_type phi3");
        return model with { LayerTraits = Windows.OnEvery(json, model) };
    }
}
