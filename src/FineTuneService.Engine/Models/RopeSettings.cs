using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Models;

/// <summary>config.json's rotary settings: rope_theta with rope_scaling, or transformers 5's rope_parameters.</summary>
internal static class RopeSettings
{
    public static (double Theta, RopeScaling? Scaling) Read(JsonObject config, int maxPositions)
    {
        var rope = (config["rope_parameters"] ?? config["rope_scaling"]) as JsonObject;
        double theta = (double?)config["rope_theta"] ?? (double?)rope?["rope_theta"] ?? 10000;
        if ((double?)config["partial_rotary_factor"] is { } part and not 1) throw new ModelException($"partial_rotary_factor {part} is not supported.");
        return (theta, rope is null ? null : Scaling(rope, maxPositions));
    }

    public static JsonObject? ToJson(RopeScaling? scaling) => scaling switch
    {
        null => null,
        LinearRopeScaling s => new() { ["rope_type"] = "linear", ["factor"] = s.Factor },
        DynamicRopeScaling s => new() { ["rope_type"] = "dynamic", ["factor"] = s.Factor },
        Llama3RopeScaling s => new()
        {
            ["rope_type"] = "llama3",
            ["factor"] = s.Factor,
            ["low_freq_factor"] = s.LowFrequencyFactor,
            ["high_freq_factor"] = s.HighFrequencyFactor,
            ["original_max_position_embeddings"] = s.OriginalMaxPositions,
        },
        YarnRopeScaling s => new()
        {
            ["rope_type"] = "yarn",
            ["factor"] = s.Factor,
            ["beta_fast"] = s.BetaFast,
            ["beta_slow"] = s.BetaSlow,
            ["original_max_position_embeddings"] = s.OriginalMaxPositions,
            ["attention_factor"] = s.AttentionFactor,
        },
        _ => throw new ArgumentOutOfRangeException(nameof(scaling)),
    };

    private static RopeScaling? Scaling(JsonObject rope, int maxPositions)
    {
        double Number(string name) => (double?)rope[name] ?? throw new ModelException($"config.json: rope scaling lacks {name}.");
        int Original() => (int?)rope["original_max_position_embeddings"] ?? maxPositions;
        return (string?)(rope["rope_type"] ?? rope["type"]) switch
        {
            null or "default" => null,
            "linear" => new LinearRopeScaling(Number("factor")),
            "dynamic" => new DynamicRopeScaling(Number("factor")),
            "llama3" => new Llama3RopeScaling(Number("factor"), Number("low_freq_factor"), Number("high_freq_factor"), Original()),
            "yarn" => new YarnRopeScaling(Number("factor"), (double?)rope["beta_fast"] ?? 32, (double?)rope["beta_slow"] ?? 1, Original(), (double?)rope["attention_factor"]),
            { } other => throw new ModelException($"rope scaling {other} is not supported."),
        };
    }
}
