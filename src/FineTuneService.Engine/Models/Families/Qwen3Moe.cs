namespace FineTuneService.Engine.Models.Families;

/// <summary>Qwen 3's mixtures of experts; some of its layers may be dense.</summary>
internal static class Qwen3Moe
{
    public static readonly Family Family = new("qwen3_moe", ["Qwen3MoeForCausalLM"], Read);

    private static readonly Names Names = Qwen3.Names with
    {
        Router = "mlp.gate",
        Expert = ["mlp.experts.{0}.gate_proj", "mlp.experts.{0}.up_proj", "mlp.experts.{0}.down_proj"],
    };

    private static ModelConfig Read(ConfigJson json)
    {
        ModelConfig dense = Qwen3.Read(json);
        json.PassOver("output_router_logits", "router_aux_loss_coef"); // Of training the router, which stays frozen here.
        int step = json.Int("decoder_sparse_step", 1) ?? 1;
        HashSet<int> plain = [.. json.Ints("mlp_only_layers") ?? []];
        return dense with
        {
            Names = Names,
            Experts = Mixture.Traits(json, json.Int("num_experts", 1, 4096) ?? 128, json.Int("moe_intermediate_size", 1, 1 << 20) ?? 768, json.Flag("norm_topk_prob")),
            LayerTraits = [.. dense.LayerTraits.Select((layer, i) => layer with { Experts = !plain.Contains(i) && (i + 1) % step == 0 })],
        };
    }
}
