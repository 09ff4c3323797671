namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Falcon 7B's layout, and 40B's with a norm for each branch. ggml's graph has neither ALiBi, nor biases, nor one branch after the other.</summary>
internal static class FalconLayouts
{
    private static readonly IReadOnlyDictionary<string, string> s_outer = new Dictionary<string, string>
    {
        ["token_embd"] = "transformer.word_embeddings",
        ["output_norm"] = "transformer.ln_f",
        ["output"] = "lm_head",
    };

    private static readonly IReadOnlyDictionary<string, string> s_block = new Dictionary<string, string>
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_qkv"] = "self_attention.query_key_value",
        ["attn_output"] = "self_attention.dense",
        ["ffn_up"] = "mlp.dense_h_to_4h",
        ["ffn_down"] = "mlp.dense_4h_to_h",
    };

    public static readonly GgufLayout OneNorm = Of(s_block);

    public static readonly GgufLayout TwoNorms = Of(LayoutNames.Of(s_block, new Dictionary<string, string> { ["attn_norm"] = "ln_mlp", ["attn_norm_2"] = "ln_attn" }));

    private static GgufLayout Of(IReadOnlyDictionary<string, string> block) => new("falcon", "falcon", "FalconForCausalLM")
    {
        Outer = s_outer,
        LayerPrefix = "transformer.h.",
        Block = block,
        Orders = LayoutNames.Grouped,
        Epsilon = "layer_norm_epsilon",
        Settings = file =>
        {
            (int heads, int groups) = (file.Heads.Query, file.Heads.KeyValue);
            bool twoNorms = file.Has("blk.0.attn_norm_2.weight"), grouped = twoNorms || (groups != 1 && groups != heads);
            file.Rename("intermediate_size", "ffn_hidden_size");
            file.Rename("num_key_value_heads", "num_kv_heads");
            file.Rename("hidden_act", "activation");
            file["activation"] = "gelu";
            file["new_decoder_architecture"] = grouped;
            if (grouped) file["num_ln_in_parallel_attn"] = twoNorms ? 2 : 1;
            file["multi_query"] = grouped || groups == 1;
            file["parallel_attn"] = true;
            file["alibi"] = false;
            file["bias"] = file.Has("blk.0.attn_qkv.bias");
            file.Remove("head_dim");
        },
    };
}
