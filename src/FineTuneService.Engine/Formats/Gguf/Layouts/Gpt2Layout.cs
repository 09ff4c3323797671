namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>GPT-2: learned positions; linear layers lie [out, in], as everywhere in GGUF.</summary>
internal static class Gpt2Layout
{
    public static readonly GgufLayout Layout = new("gpt2", "gpt2", "GPT2LMHeadModel")
    {
        Outer = new Dictionary<string, string>
        {
            ["token_embd"] = "transformer.wte",
            ["position_embd"] = "transformer.wpe",
            ["output_norm"] = "transformer.ln_f",
            ["output"] = "lm_head",
        },
        LayerPrefix = "transformer.h.",
        Block = new Dictionary<string, string>
        {
            ["attn_norm"] = "ln_1",
            ["attn_qkv"] = "attn.c_attn",
            ["attn_output"] = "attn.c_proj",
            ["ffn_norm"] = "ln_2",
            ["ffn_up"] = "mlp.c_fc",
            ["ffn_down"] = "mlp.c_proj",
        },
        Epsilon = "layer_norm_epsilon",
        Settings = file =>
        {
            foreach ((string key, string published) in (ReadOnlySpan<(string, string)>)
                [("hidden_size", "n_embd"), ("intermediate_size", "n_inner"), ("num_hidden_layers", "n_layer"), ("num_attention_heads", "n_head"), ("max_position_embeddings", "n_positions"),
                    ("hidden_act", "activation_function")])
                file.Rename(key, published);
            file["activation_function"] = "gelu_new";
            file.Remove("num_key_value_heads", "head_dim", "rope_theta", "partial_rotary_factor");
        },
    };
}
