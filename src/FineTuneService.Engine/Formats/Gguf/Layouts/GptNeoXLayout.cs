namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>GPT-NeoX and Pythia: q, k and v lie head by head in transformers.</summary>
internal static class GptNeoXLayout
{
    public static readonly GgufLayout Layout = new("gptneox", "gpt_neox", "GPTNeoXForCausalLM")
    {
        Outer = new Dictionary<string, string> { ["token_embd"] = "gpt_neox.embed_in", ["output_norm"] = "gpt_neox.final_layer_norm", ["output"] = "embed_out" },
        LayerPrefix = "gpt_neox.layers.",
        Block = new Dictionary<string, string>
        {
            ["attn_norm"] = "input_layernorm",
            ["attn_qkv"] = "attention.query_key_value",
            ["attn_output"] = "attention.dense",
            ["ffn_norm"] = "post_attention_layernorm",
            ["ffn_up"] = "mlp.dense_h_to_4h",
            ["ffn_down"] = "mlp.dense_4h_to_h",
        },
        Orders = LayoutNames.Grouped,
        Epsilon = "layer_norm_eps",
        SaysParallel = true,
        OwnHead = true,
        Settings = file =>
        {
            file["hidden_act"] = "gelu";
            file["use_parallel_residual"] = file.Flag("use_parallel_residual") ?? true;
            file["attention_bias"] = file.Has("blk.0.attn_qkv.bias");
            file["rotary_pct"] = file.RotaryShare;
            file.Rename("rope_theta", "rotary_emb_base");
            file.Remove("partial_rotary_factor", "num_key_value_heads", "head_dim");
        },
    };
}
