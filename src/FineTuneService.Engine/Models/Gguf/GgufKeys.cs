using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Models.Gguf;

/// <summary>A model's traits as GGUF's keys, by the names that llama.cpp's converter gives them.</summary>
internal static class GgufKeys
{
    public static IEnumerable<KeyValuePair<string, GgufValue>> Of(ModelConfig config, GgufLayout layout) =>
        Named(config, layout).Select(pair => new KeyValuePair<string, GgufValue>($"{layout.Architecture}.{pair.Name}", pair.Value));

    private static IEnumerable<(string Name, GgufValue Value)> Named(ModelConfig config, GgufLayout layout) =>
    [
        ("vocab_size", Whole(config.VocabularySize)),
        ("context_length", Whole(config.MaxPositions)),
        ("embedding_length", Whole(config.HiddenSize)),
        ("block_count", Whole(config.Layers)),
        ("feed_forward_length", Whole(config.IntermediateSize)),
        ("attention.head_count", Whole(config.Heads)),
        ("attention.head_count_kv", Whole(config.KeyValueHeads)),
        ("attention.key_length", Whole(config.HeadDim)),
        ("attention.value_length", Whole(config.HeadDim)),
        (layout.EpsilonKey, Number(config.Epsilon)),
        .. layout.SaysParallel ? [("use_parallel_residual", GgufValue.Of(config.Residual == Residual.Parallel))] : Nothing,
        .. Scores(config), .. Factors(config, layout), .. Experts(config), .. Rope(config, layout),
    ];

    private static IEnumerable<(string, GgufValue)> Nothing => [];

    private static IEnumerable<(string, GgufValue)> Scores(ModelConfig config)
    {
        if (config.ScoreSoftCap != 0) yield return ("attn_logit_softcapping", Number(config.ScoreSoftCap));
        if (config.LogitSoftCap != 0) yield return ("final_logit_softcapping", Number(config.LogitSoftCap));
        if (config.LayerTraits.Max(layer => (int?)layer.Window) is > 0 and var window) yield return ("attention.sliding_window", Whole(window));
    }

    private static IEnumerable<(string, GgufValue)> Factors(ModelConfig config, GgufLayout layout)
    {
        if (layout.Architecture == "granite")
        {
            if (config.AttentionScale is { } scale) yield return ("attention.scale", Number(scale));
            yield return ("embedding_scale", Number(config.EmbeddingScale));
            yield return ("residual_scale", Number(config.ResidualScale));
        }
        if (layout.LogitScaleDivides) yield return ("logit_scale", Number(1.0 / config.LogitScale));
        else if (config.LogitScale != 1) yield return ("logit_scale", Number(config.LogitScale));
    }

    private static IEnumerable<(string, GgufValue)> Experts(ModelConfig config) => config.Experts is not { } experts ? [] :
    [
        ("expert_count", Whole(experts.Count)),
        ("expert_used_count", Whole(experts.Active)),
        ("expert_feed_forward_length", Whole(experts.Width)),
    ];

    private static IEnumerable<(string, GgufValue)> Rope(ModelConfig config, GgufLayout layout)
    {
        if (Enumerable.Range(0, config.Layers).All(i => config.Layer(i).Rope == RopeUse.None)) return [];
        return
        [
            ("rope.freq_base", Number(config.RopeTheta)),
            ("rope.dimension_count", Whole(config.Rope(RopeUse.Global).Dims)),
            .. layout.Architecture == "gemma3" ? LocalRope(config) : [],
            // Phi 3's are written with it though nothing is scaled.
            .. config.RopeScaling is null && Json(config, "original_max_position_embeddings") is { } original ? [("rope.scaling.original_context_length", Whole(original))] : Nothing,
            .. Scaling(config.RopeScaling),
        ];
    }

    /// <summary>Gemma 3's: the layers with a window, and how many of them there are to one without.</summary>
    private static IEnumerable<(string, GgufValue)> LocalRope(ModelConfig config)
    {
        int first = config.LayerTraits.Select(layer => layer.Rope).TakeWhile(rope => rope == RopeUse.Local).Count();
        return [("rope.freq_base_swa", Number(config.LocalRopeTheta)), ("attention.sliding_window_pattern", Whole(first + 1))];
    }

    private static IEnumerable<(string, GgufValue)> Scaling(RopeScaling? scaling) => scaling switch
    {
        LinearRopeScaling linear => [("rope.scaling.type", GgufValue.Of("linear")), ("rope.scaling.factor", Number(linear.Factor))],
        YarnRopeScaling yarn =>
        [
            ("rope.scaling.type", GgufValue.Of("yarn")),
            ("rope.scaling.factor", Number(yarn.Factor)),
            ("rope.scaling.original_context_length", Whole(yarn.OriginalMaxPositions)),
            .. yarn.AttentionFactor is null && yarn.Mscale is null ? Nothing : [("rope.scaling.yarn_attn_factor", Number(RotaryFrequencies.AttentionFactor(yarn)))],
            ("rope.scaling.yarn_beta_fast", Number(yarn.BetaFast)),
            ("rope.scaling.yarn_beta_slow", Number(yarn.BetaSlow)),
        ],
        LongRopeScaling longrope =>
        [
            ("rope.scaling.original_context_length", Whole(longrope.OriginalMaxPositions)),
            ("rope.scaling.attn_factor", Number(longrope.AttentionFactor)),
        ],
        _ => [],
    };

    private static GgufValue Whole(int value) => GgufValue.Of((uint)value);

    private static GgufValue Number(double value) => GgufValue.Of((float)value);

    private static int? Json(ModelConfig config, string name) => config.Json is { } json && JsonNode.Parse(json)?[name] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}
