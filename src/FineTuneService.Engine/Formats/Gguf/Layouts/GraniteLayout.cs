namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Granite 3: Llama with four factors.</summary>
internal static class GraniteLayout
{
    public static readonly GgufLayout Layout = new("granite", "granite", "GraniteForCausalLM")
    {
        Block = LayoutNames.PreNorm,
        Orders = LayoutNames.Pairs,
        LogitScaleDivides = true,
        Settings = file =>
        {
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            file["mlp_bias"] = file.Has("blk.0.ffn_up.bias");
            file["attention_multiplier"] = Factor("attention.scale") ?? 1 / Math.Sqrt(file.HeadDim);
            file["embedding_multiplier"] = Factor("embedding_scale") ?? 1;
            file["residual_multiplier"] = Factor("residual_scale") ?? 1;
            file["logits_scaling"] = Factor("logit_scale") ?? 1;

            // ggml takes 0 for none.
            double? Factor(string key) => file.Number(key) is { } factor and not 0 ? factor : null;
        },
    };
}
