using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Qwen 2 and 3. Of Qwen 3's mixtures ggml's graph has experts in every layer, whose weights sum to 1.</summary>
internal static class QwenLayouts
{
    public static readonly GgufLayout Qwen2 = new("qwen2", "qwen2", "Qwen2ForCausalLM") { Block = LayoutNames.PreNorm };

    public static readonly GgufLayout Qwen3 = new("qwen3", "qwen3", "Qwen3ForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.PreNorm, LayoutNames.HeadNorms),
        Settings = file =>
        {
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            if (file.Window is { } window) file["sliding_window"] = window;
        },
    };

    public static readonly GgufLayout Qwen3Moe = new("qwen3moe", "qwen3_moe", "Qwen3MoeForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.Attention, LayoutNames.HeadNorms, LayoutNames.MlpNorm, new Dictionary<string, string>
        {
            ["ffn_gate_inp"] = "mlp.gate",
            ["ffn_gate_exps"] = "mlp.experts.{0}.gate_proj",
            ["ffn_up_exps"] = "mlp.experts.{0}.up_proj",
            ["ffn_down_exps"] = "mlp.experts.{0}.down_proj",
        }),
        Settings = file =>
        {
            int active = file.Required("expert_used_count");
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            file["num_experts"] = file.Required("expert_count");
            file["num_experts_per_tok"] = active;
            file["moe_intermediate_size"] = file.Whole("expert_feed_forward_length", 1) ?? file.Required("feed_forward_length") / active;
            file["norm_topk_prob"] = true;
            file["decoder_sparse_step"] = 1;
            file["mlp_only_layers"] = new JsonArray();
        },
    };
}
