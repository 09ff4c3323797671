using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats.Gguf;

namespace FineTuneService.Engine.Models.Gguf;

/// <summary>A model's traits as GGUF's keys, in the order in which llama.cpp's converter writes them.</summary>
internal static class GgufKeys
{
    public static IEnumerable<KeyValuePair<string, GgufValue>> Of(ModelConfig config, GgufLayout layout)
    {
        var keys = new List<KeyValuePair<string, GgufValue>>();
        Whole("vocab_size", config.VocabularySize);
        Whole("context_length", config.MaxPositions);
        Whole("embedding_length", config.HiddenSize);
        Whole("block_count", config.Layers);
        Whole("feed_forward_length", config.IntermediateSize);
        Whole("attention.head_count", config.Heads);
        Whole("attention.head_count_kv", config.KeyValueHeads);
        Number("attention.layer_norm_rms_epsilon", config.Epsilon);
        Number("rope.freq_base", config.RopeTheta);
        if (layout.Architecture is "llama" or "phi3") Whole("rope.dimension_count", config.RotaryDims == 0 ? config.HeadDim : config.RotaryDims);
        Whole("attention.key_length", config.HeadDim);
        Whole("attention.value_length", config.HeadDim);
        if (config.ScoreSoftCap != 0) Number("attn_logit_softcapping", config.ScoreSoftCap);
        if (config.LogitSoftCap != 0) Number("final_logit_softcapping", config.LogitSoftCap);
        if (config.LayerTraits.Max(layer => (int?)layer.Window) is > 0 and var window) Whole("attention.sliding_window", window);
        if (layout.Architecture == "gemma3") Number("rope.freq_base_swa", config.LocalRopeTheta);
        // Phi 3's are written with it though nothing is scaled.
        if (config.RopeScaling is null && Json(config, "original_max_position_embeddings") is { } original) Whole("rope.scaling.original_context_length", original);
        foreach ((string name, GgufValue value) in Scaling(config.RopeScaling)) keys.Add(new(Own(name), value));
        return keys;

        void Whole(string name, int value) => keys.Add(new(Own(name), GgufValue.Of((uint)value)));
        void Number(string name, double value) => keys.Add(new(Own(name), GgufValue.Of((float)value)));
        string Own(string name) => $"{layout.Architecture}.{name}";
    }

    private static int? Json(ModelConfig config, string name) => config.Json is { } json && JsonNode.Parse(json)?[name] is JsonValue value && value.TryGetValue(out int number) ? number : null;

    private static IEnumerable<(string, GgufValue)> Scaling(RopeScaling? scaling) => scaling switch
    {
        LinearRopeScaling linear => [("rope.scaling.type", GgufValue.Of("linear")), ("rope.scaling.factor", GgufValue.Of((float)linear.Factor))],
        YarnRopeScaling yarn =>
        [
            ("rope.scaling.type", GgufValue.Of("yarn")), ("rope.scaling.factor", GgufValue.Of((float)yarn.Factor)),
            ("rope.scaling.original_context_length", GgufValue.Of((uint)yarn.OriginalMaxPositions)),
        ],
        LongRopeScaling longrope =>
        [
            ("rope.scaling.original_context_length", GgufValue.Of((uint)longrope.OriginalMaxPositions)), ("rope.scaling.attn_factor", GgufValue.Of((float)longrope.AttentionFactor)),
        ],
        _ => [],
    };
}
