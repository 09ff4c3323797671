namespace FineTuneService.Engine.Models.Families;

/// <summary>Which layers see the last tokens only, as configs say it.</summary>
internal static class Windows
{
    /// <summary>sliding_window on every layer, or none where it is null.</summary>
    public static IReadOnlyList<LayerTraits> OnEvery(ConfigJson json, ModelConfig model) =>
        Some(json, model, _ => true, json.Int("sliding_window", 1) ?? 0);

    /// <summary>Qwen's: only with use_sliding_window, and from layer max_window_layers on; or as layer_types says.</summary>
    public static IReadOnlyList<LayerTraits> LateLayers(ConfigJson json, ModelConfig model)
    {
        int window = json.Int("sliding_window", 1) ?? 0, first = json.Int("max_window_layers") ?? 28;
        return Some(json, model, i => i >= first, json.Flag("use_sliding_window") ? window : 0);
    }

    /// <param name="windowed">Layers that have it where the config has no layer_types.</param>
    public static IReadOnlyList<LayerTraits> Some(ConfigJson json, ModelConfig model, Func<int, bool> windowed, int window, RopeUse inWindow = RopeUse.Global)
    {
        string[]? types = json.Texts("layer_types");
        if (types is not null && types.Length != model.Layers) throw json.Settings.Refuse($"layer_types has {types.Length} entries for {model.Layers} layers");
        return [.. Enumerable.Range(0, model.Layers).Select(i =>
        {
            bool slides = types is null ? windowed(i) : types[i] switch
            {
                "sliding_attention" => true,
                "full_attention" => false,
                string other => throw json.Settings.Refuse($"layer_types {other} is not supported"),
            };
            return new LayerTraits(slides ? window : 0, slides ? inWindow : RopeUse.Global);
        })];
    }
}
