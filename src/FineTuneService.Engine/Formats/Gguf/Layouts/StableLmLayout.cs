namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>StableLM 2: the norms of each head lie in one tensor, and where no norm stands before the MLP both branches read the same one.</summary>
internal static class StableLmLayout
{
    public static readonly GgufLayout Layout = new("stablelm", "stablelm", "StableLmForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.PreNorm, new Dictionary<string, string>
        {
            ["attn_q_norm"] = "self_attn.q_layernorm.norms.{0}",
            ["attn_k_norm"] = "self_attn.k_layernorm.norms.{0}",
        }),
        Epsilon = "layer_norm_eps",
        SaysParallel = true,
        OwnHead = true,
        Settings = file =>
        {
            file["use_qkv_bias"] = file.Has("blk.0.attn_q.bias");
            file["qk_layernorm"] = file.Has("blk.0.attn_q_norm.weight");
            file["use_parallel_residual"] = !file.Has("blk.0.ffn_norm.weight");
            file["partial_rotary_factor"] = file.RotaryShare;
            file.Remove("head_dim");
        },
    };
}
