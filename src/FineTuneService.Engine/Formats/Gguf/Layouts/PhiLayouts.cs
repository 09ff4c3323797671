namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Phi 1, 1.5 and 2, which are phi2 to ggml, and Phi 3 and 4.</summary>
internal static class PhiLayouts
{
    public static readonly GgufLayout Phi2 = new("phi2", "phi", "PhiForCausalLM")
    {
        Outer = LayoutNames.Of(LayoutNames.Outer, new Dictionary<string, string> { ["output_norm"] = "model.final_layernorm" }),
        Block = LayoutNames.Of(LayoutNames.Attention, new Dictionary<string, string> { ["attn_output"] = "self_attn.dense", ["ffn_up"] = "mlp.fc1", ["ffn_down"] = "mlp.fc2" }),
        Epsilon = "layer_norm_eps",
        OwnHead = true,
        Settings = file =>
        {
            file["hidden_act"] = "gelu_new";
            file["partial_rotary_factor"] = file.RotaryShare;
            file["qk_layernorm"] = false;
            file.Remove("head_dim");
        },
    };

    public static readonly GgufLayout Phi3 = new("phi3", "phi3", "Phi3ForCausalLM")
    {
        Block = new Dictionary<string, string>
        {
            ["attn_norm"] = "input_layernorm",
            ["attn_qkv"] = "self_attn.qkv_proj",
            ["attn_output"] = "self_attn.o_proj",
            ["ffn_norm"] = "post_attention_layernorm",
            ["ffn_up"] = "mlp.gate_up_proj",
            ["ffn_down"] = "mlp.down_proj",
        },
        Settings = file =>
        {
            if (file.Window is { } window) file["sliding_window"] = window;
        },
    };
}
