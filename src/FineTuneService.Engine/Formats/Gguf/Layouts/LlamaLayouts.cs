using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Llama, and what ggml takes for one: Mistral, and Mixtral by its experts.</summary>
internal static class LlamaLayouts
{
    public static readonly GgufLayout Llama = new("llama", "llama", "LlamaForCausalLM")
    {
        Block = LayoutNames.PreNorm,
        Orders = LayoutNames.Pairs,
        Settings = file =>
        {
            if (file.Window is { } window)
            {
                (file["model_type"], file["architectures"], file["sliding_window"]) = ("mistral", new JsonArray("MistralForCausalLM"), window);
                return;
            }
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            file["mlp_bias"] = file.Has("blk.0.ffn_up.bias");
        },
    };

    public static readonly GgufLayout Mixtral = new("llama", "mixtral", "MixtralForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.Attention, LayoutNames.MlpNorm, new Dictionary<string, string>
        {
            ["ffn_gate_inp"] = "block_sparse_moe.gate",
            ["ffn_gate_exps"] = "block_sparse_moe.experts.{0}.w1",
            ["ffn_up_exps"] = "block_sparse_moe.experts.{0}.w3",
            ["ffn_down_exps"] = "block_sparse_moe.experts.{0}.w2",
        }),
        Orders = LayoutNames.Pairs,
        Settings = file =>
        {
            file["num_local_experts"] = file.Required("expert_count");
            file["num_experts_per_tok"] = file.Required("expert_used_count");
            file["sliding_window"] = file.Window;
        },
    };
}
