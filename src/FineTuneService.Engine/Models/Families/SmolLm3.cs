namespace FineTuneService.Engine.Models.Families;

/// <summary>SmolLM 3: Llama where some layers have no rotary embedding.</summary>
internal static class SmolLm3
{
    public static readonly Family Family = new("smollm3", ["SmolLM3ForCausalLM"], Read);

    private static ModelConfig Read(ConfigJson json)
    {
        ModelConfig model = json.Model(tied: true, theta: 2e6) with
        {
            AttentionBias = json.Flag("attention_bias"),
            MlpBias = json.Flag("mlp_bias"),
            Gate = json.Gate("hidden_act"),
        };
        int interval = json.Int("no_rope_layer_interval", 1) ?? 4;
        // 1 says that the layer has rope.
        int[] rope = json.Ints("no_rope_layers") ?? [.. Enumerable.Range(0, model.Layers).Select(i => (i + 1) % interval == 0 ? 0 : 1)];
        if (rope.Length != model.Layers) throw json.Settings.Refuse($"no_rope_layers has {rope.Length} entries for {model.Layers} layers");
        bool windows = json.Flag("use_sliding_window");
        int window = json.Int("sliding_window", 1) ?? 0;
        return model with
        {
            LayerTraits = [.. Windows.Some(json, model, i => windows && rope[i] == 0, windows ? window : 0)
                .Select((layer, i) => layer with { Rope = rope[i] == 0 ? RopeUse.None : RopeUse.Global })],
        };
    }
}
