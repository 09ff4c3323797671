namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>StarCoder 2.</summary>
internal static class StarCoder2Layout
{
    public static readonly GgufLayout Layout = new("starcoder2", "starcoder2", "Starcoder2ForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.Attention, LayoutNames.MlpNorm, new Dictionary<string, string> { ["ffn_up"] = "mlp.c_fc", ["ffn_down"] = "mlp.c_proj" }),
        Epsilon = "norm_epsilon",
        Settings = file =>
        {
            file["hidden_act"] = "gelu_pytorch_tanh";
            file["use_bias"] = file.Has("blk.0.attn_q.bias");
            file["sliding_window"] = file.Window;
            file.Remove("head_dim");
        },
    };
}
