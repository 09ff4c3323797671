using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>How a GGUF file says that rotary frequencies are scaled, as config.json's rope_scaling.</summary>
internal static class GgufRope
{
    public const string Divisors = "rope_freqs.weight", LongFactors = "rope_factors_long.weight", ShortFactors = "rope_factors_short.weight";

    /// <summary>Whether a tensor says how frequencies are scaled, which config.json does.</summary>
    public static bool IsFactor(string name) => name is Divisors or LongFactors or ShortFactors;

    /// <summary>
    /// Llama 3's scaling is stored as what it divides each frequency by: in transformers' terms longrope's factors, the same for short
    /// and long texts, without its factor on scores.
    /// </summary>
    public static JsonObject? Scaling(GgufMetadata metadata, ITensorSource tensors, JsonObject config)
    {
        int original = metadata.Whole(metadata.Own("rope.scaling.original_context_length"), 1, 1 << 28) ?? config["max_position_embeddings"]!.GetValue<int>();
        if (tensors.Find(LongFactors) is not null && tensors.Find(ShortFactors) is not null)
        {
            config["original_max_position_embeddings"] = original;
            return Longrope(Factors(ShortFactors), Factors(LongFactors), metadata.Number(metadata.Own("rope.scaling.attn_factor")));
        }
        if (tensors.Find(Divisors) is not null)
        {
            config["original_max_position_embeddings"] = original;
            return Longrope(Factors(Divisors), Factors(Divisors), 1);
        }
        double factor = metadata.Number(metadata.Own("rope.scaling.factor")) ?? 1;
        return metadata.Text(metadata.Own("rope.scaling.type")) switch
        {
            null or "none" => null,
            "linear" when factor == 1 => null,
            "linear" => new() { ["rope_type"] = "linear", ["factor"] = factor },
            "yarn" => Yarn(metadata, factor, original),
            { } type => throw metadata.Refuse($"{metadata.Own("rope.scaling.type")} = {type} is not supported"),
        };

        JsonArray Factors(string name)
        {
            using Tensor values = tensors.Read(name), numbers = values.to_type(ScalarType.Float32);
            if (values.numel() > 1024) throw metadata.Refuse($"{name} has {values.numel()} elements, more than any head");
            return new JsonArray([.. numbers.data<float>().Select(number => float.IsFinite(number) && number > 0 ? JsonValue.Create(number) : throw metadata.Refuse($"{name} holds {number}, which no frequency is divided by"))]);
        }
    }

    private static JsonObject Longrope(JsonArray shortFactors, JsonArray longFactors, double? attention)
    {
        var scaling = new JsonObject { ["rope_type"] = "longrope", ["short_factor"] = shortFactors, ["long_factor"] = longFactors };
        if (attention is not null) scaling["attention_factor"] = attention;
        return scaling;
    }

    private static JsonObject Yarn(GgufMetadata metadata, double factor, int original)
    {
        string extrapolation = metadata.Own("rope.scaling.yarn_ext_factor");
        // How much of the ramp is applied; transformers applies it whole.
        if (metadata.Number(extrapolation) is { } mix && mix != 1) throw metadata.Refuse($"{extrapolation} = {mix} is not supported: it must be 1");
        var scaling = new JsonObject { ["rope_type"] = "yarn", ["factor"] = factor, ["original_max_position_embeddings"] = original };
        foreach ((string key, string name) in (ReadOnlySpan<(string, string)>)[("attn", "attention_factor"), ("beta_fast", "beta_fast"), ("beta_slow", "beta_slow")])
        {
            if (metadata.Number(metadata.Own($"rope.scaling.yarn_{(key == "attn" ? "attn_factor" : key)}")) is { } number) scaling[name] = number;
        }
        return scaling;
    }
}
