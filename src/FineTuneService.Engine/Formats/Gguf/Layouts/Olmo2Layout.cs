namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>OLMo 2: norms after the branches, and of all heads of q and k together.</summary>
internal static class Olmo2Layout
{
    public static readonly GgufLayout Layout = new("olmo2", "olmo2", "Olmo2ForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.Gated, LayoutNames.HeadNorms, new Dictionary<string, string>
        {
            ["attn_q"] = "self_attn.q_proj",
            ["attn_k"] = "self_attn.k_proj",
            ["attn_v"] = "self_attn.v_proj",
            ["attn_output"] = "self_attn.o_proj",
            ["post_attention_norm"] = "post_attention_layernorm",
            ["post_ffw_norm"] = "post_feedforward_layernorm",
        }),
        OwnHead = true,
        Settings = file =>
        {
            if (file.Window is { } window) throw file.Refuse($"olmo2.attention.sliding_window = {window} is OLMo 3's, which is not supported");
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            file.Remove("head_dim");
        },
    };
}
