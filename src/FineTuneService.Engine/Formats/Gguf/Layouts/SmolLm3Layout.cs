namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>SmolLM 3: every fourth layer has no rotary embedding, for which there is no key.</summary>
internal static class SmolLm3Layout
{
    public static readonly GgufLayout Layout = new("smollm3", "smollm3", "SmolLM3ForCausalLM")
    {
        Block = LayoutNames.PreNorm,
        Orders = LayoutNames.Pairs,
        Settings = file =>
        {
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            file["mlp_bias"] = file.Has("blk.0.ffn_up.bias");
            file["no_rope_layer_interval"] = 4;
            file["use_sliding_window"] = false;
        },
    };
}
