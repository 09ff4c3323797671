namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>GGUF's names of modules, and Hugging Face's, that several families share.</summary>
internal static class LayoutNames
{
    public static readonly IReadOnlyDictionary<string, string> Outer = new Dictionary<string, string>
    {
        ["token_embd"] = "model.embed_tokens",
        ["output_norm"] = "model.norm",
        ["output"] = "lm_head",
    };

    public static readonly IReadOnlyDictionary<string, string> Attention = new Dictionary<string, string>
    {
        ["attn_norm"] = "input_layernorm",
        ["attn_q"] = "self_attn.q_proj",
        ["attn_k"] = "self_attn.k_proj",
        ["attn_v"] = "self_attn.v_proj",
        ["attn_output"] = "self_attn.o_proj",
    };

    public static readonly IReadOnlyDictionary<string, string> Gated = new Dictionary<string, string>
    {
        ["ffn_gate"] = "mlp.gate_proj",
        ["ffn_up"] = "mlp.up_proj",
        ["ffn_down"] = "mlp.down_proj",
    };

    public static readonly IReadOnlyDictionary<string, string> HeadNorms = new Dictionary<string, string>
    {
        ["attn_q_norm"] = "self_attn.q_norm",
        ["attn_k_norm"] = "self_attn.k_norm",
    };

    /// <summary>The norm before the MLP by its name in Llama.</summary>
    public static readonly IReadOnlyDictionary<string, string> MlpNorm = new Dictionary<string, string> { ["ffn_norm"] = "post_attention_layernorm" };

    public static readonly IReadOnlyDictionary<string, string> PreNorm = Of(Attention, Gated, MlpNorm);

    /// <summary>Llama's way of turning neighbours instead of halves.</summary>
    public static readonly IReadOnlyDictionary<string, RowOrder> Pairs = new Dictionary<string, RowOrder> { ["attn_q"] = RowOrder.QueryPairs, ["attn_k"] = RowOrder.KeyPairs };

    /// <summary>Joined rows of q, k and v.</summary>
    public static readonly IReadOnlyDictionary<string, RowOrder> Grouped = new Dictionary<string, RowOrder> { ["attn_qkv"] = RowOrder.Grouped };

    /// <summary>The names of all; of two of one name the later counts.</summary>
    public static IReadOnlyDictionary<string, string> Of(params ReadOnlySpan<IReadOnlyDictionary<string, string>> some)
    {
        var all = new Dictionary<string, string>();
        foreach (IReadOnlyDictionary<string, string> names in some)
        {
            foreach ((string gguf, string own) in names) all[gguf] = own;
        }
        return all;
    }
}
