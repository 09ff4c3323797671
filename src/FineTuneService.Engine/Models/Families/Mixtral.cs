namespace FineTuneService.Engine.Models.Families;

/// <summary>Mixtral (https://arxiv.org/abs/2401.04088): Mistral with a mixture of experts in every layer.</summary>
internal static class Mixtral
{
    public static readonly Family Family = new("mixtral", ["MixtralForCausalLM"], Read);

    private static readonly Names Names = Names.Llama with
    {
        Router = "block_sparse_moe.gate",
        Expert = ["block_sparse_moe.experts.{0}.w1", "block_sparse_moe.experts.{0}.w3", "block_sparse_moe.experts.{0}.w2"],
    };

    private static ModelConfig Read(ConfigJson json)
    {
        json.PassOver("output_router_logits", "router_aux_loss_coef", "router_jitter_noise"); // Of training the router, which stays frozen here.
        ModelConfig model = json.Model(theta: 1e6, epsilon: 1e-5) with { Names = Names, Gate = json.Gate("hidden_act") };
        return model with
        {
            Experts = Mixture.Traits(json, json.Int("num_local_experts", 1, 4096) ?? 8, model.IntermediateSize, renormalise: true),
            LayerTraits = [.. Windows.OnEvery(json, model).Select(layer => layer with { Experts = true })],
        };
    }
}
