namespace FineTuneService.Engine.Formats.Gguf.Layouts;

/// <summary>Cohere's Command R: neighbours are turned in transformers too.</summary>
internal static class CommandRLayout
{
    public static readonly GgufLayout Layout = new("command-r", "cohere", "CohereForCausalLM")
    {
        Block = LayoutNames.Of(LayoutNames.Attention, LayoutNames.Gated, LayoutNames.HeadNorms),
        Epsilon = "layer_norm_eps",
        OwnHead = false,
        Settings = file =>
        {
            file["attention_bias"] = file.Has("blk.0.attn_q.bias");
            file["use_qk_norm"] = file.Has("blk.0.attn_q_norm.weight");
            file["logit_scale"] = file.Number("logit_scale") is { } scale and not 0 ? scale : 1;
        },
    };
}
