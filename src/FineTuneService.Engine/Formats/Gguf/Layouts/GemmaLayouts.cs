namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Gemma 1, 2 and 3: norms are stored with their one.</summary>
internal static class GemmaLayouts
{
    private static readonly IReadOnlyDictionary<string, string> s_sandwich = LayoutNames.Of(LayoutNames.Attention, LayoutNames.Gated, new Dictionary<string, string>
    {
        ["post_attention_norm"] = "post_attention_layernorm",
        ["ffn_norm"] = "pre_feedforward_layernorm",
        ["post_ffw_norm"] = "post_feedforward_layernorm",
    });

    public static readonly GgufLayout Gemma = new("gemma", "gemma", "GemmaForCausalLM") { Block = LayoutNames.PreNorm, NormsPlusOne = true, OwnHead = false, Settings = Common };

    public static readonly GgufLayout Gemma2 = new("gemma2", "gemma2", "Gemma2ForCausalLM")
    {
        Block = s_sandwich,
        NormsPlusOne = true,
        OwnHead = false,
        Settings = file =>
        {
            Common(file);
            Scores(file, layersOfLargest: 46);
        },
    };

    public static readonly GgufLayout Gemma3 = new("gemma3", "gemma3_text", "Gemma3ForCausalLM")
    {
        Block = LayoutNames.Of(s_sandwich, LayoutNames.HeadNorms),
        NormsPlusOne = true,
        OwnHead = false,
        Settings = file =>
        {
            Common(file);
            Scores(file, layersOfLargest: 62);
            file["rope_local_base_freq"] = file.Number("rope.freq_base_swa") ?? 10000;
            file["sliding_window_pattern"] = file.Whole("attention.sliding_window_pattern", 1) ?? 6;
        },
    };

    private static void Common(GgufReading file)
    {
        file["hidden_act"] = "gelu_pytorch_tanh";
        file["hidden_activation"] = "gelu_pytorch_tanh";
        file["attention_bias"] = file.Has("blk.0.attn_q.bias");
        if (file.Window is { } window) file["sliding_window"] = window;
    }

    /// <summary>The factor of scores has no key: readers take the size of a head, but for the largest model, which divides by what a head would have.</summary>
    private static void Scores(GgufReading file, int layersOfLargest)
    {
        file["query_pre_attn_scalar"] = file.Layers == layersOfLargest ? file.Hidden / file.Heads.Query : file.HeadDim;
        file["attn_logit_softcapping"] = file.Number("attn_logit_softcapping");
        file["final_logit_softcapping"] = file.Number("final_logit_softcapping");
    }
}
