using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Models;

/// <summary>
/// config.json's rotary settings: rope_theta with rope_scaling, or transformers 5's rope_parameters, read as transformers reads them
/// where a config has both. Every key is computed or refused by name.
/// </summary>
internal static class RopeSettings
{
    private const string Original = "original_max_position_embeddings";

    /// <param name="theta">Where the config does not say.</param>
    /// <param name="partial">The family's partial_rotary_factor where the config does not say; null: it turns whole heads only.</param>
    /// <param name="given">The settings themselves, where the family keeps them elsewhere.</param>
    /// <exception cref="ModelException">A kind, key or value that is not computed.</exception>
    public static RopeReading Read(JsonSettings config, int maxPositions, int headDim, double theta, double? partial, JsonSettings? given)
    {
        JsonSettings? rope = given ?? (config.Object("rope_scaling") is { } scaling && scaling.Names.Any() ? scaling : config.Object("rope_parameters"));
        theta = Above(0, rope ?? config, "rope_theta") ?? Above(0, config, "rope_theta") ?? theta;
        double factor = config.Number("partial_rotary_factor") ?? rope?.Number("partial_rotary_factor") ?? partial ?? 1;
        if (factor != 1 && partial is null) throw config.Refuse("partial_rotary_factor is not supported: the decoder turns whole heads");
        if (factor is <= 0 or > 1) throw config.Refuse($"partial_rotary_factor {factor} must be above 0 and at most 1");
        int dims = (int)(headDim * factor);
        if (rope is null) return new RopeReading(theta, null, dims);
        // Phi's way of saying it goes before the other, whatever the family.
        int original = config.Whole(Original, 1, int.MaxValue) ?? rope.Whole(Original, 1, int.MaxValue) ?? maxPositions;
        return new RopeReading(theta, Scaling(rope, theta, original, maxPositions, dims), dims);
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
            [Original] = s.OriginalMaxPositions,
        },
        YarnRopeScaling s => new()
        {
            ["rope_type"] = "yarn",
            ["factor"] = s.Factor,
            ["beta_fast"] = s.BetaFast,
            ["beta_slow"] = s.BetaSlow,
            [Original] = s.OriginalMaxPositions,
            ["attention_factor"] = s.AttentionFactor,
            ["mscale"] = s.Mscale,
            ["mscale_all_dim"] = s.MscaleAllDim,
            ["truncate"] = s.Truncate,
        },
        LongRopeScaling s => new()
        {
            ["rope_type"] = "longrope",
            ["short_factor"] = new JsonArray([.. s.Short.Select(factor => (JsonNode)factor)]),
            ["long_factor"] = new JsonArray([.. s.Long.Select(factor => (JsonNode)factor)]),
            ["attention_factor"] = s.AttentionFactor,
            [Original] = s.OriginalMaxPositions,
        },
        _ => throw new ArgumentOutOfRangeException(nameof(scaling)),
    };

    private static RopeScaling? Scaling(JsonSettings rope, double theta, int original, int maxPositions, int headDim)
    {
        string type = rope.Text("rope_type") ?? rope.Text("type") ?? "default";
        string[] keys = type switch
        {
            "default" => [],
            "linear" => ["factor", Original], // It divides positions alone: the original length is not part of its formula.
            "dynamic" => ["factor"],
            "llama3" => ["factor", "low_freq_factor", "high_freq_factor", Original],
            "yarn" => ["factor", "beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim", "truncate", "finetuned", Original],
            // "su" is what the first Phi-3 configs call it.
            "longrope" or "su" => ["short_factor", "long_factor", "attention_factor", "factor", Original],
            _ => throw rope.Refuse($"rope scaling {type} is not supported"),
        };
        string? odd = rope.Names.FirstOrDefault(name => rope[name] is not null && !keys.Contains(name) && name is not ("type" or "rope_type" or "rope_theta" or "partial_rotary_factor"));
        if (odd is not null && !ChangesNothing(rope, odd, type, maxPositions))
            throw rope.Refuse($"{odd} is not supported with rope scaling {type}; remove it if the model was made without it");
        return type switch
        {
            "linear" => new LinearRopeScaling(Required(rope, "factor")),
            "dynamic" => headDim > 2 ? new DynamicRopeScaling(Required(rope, "factor")) : throw rope.Refuse("dynamic scaling needs a head_dim of 4 or more"),
            "llama3" => Llama3(rope, original),
            "yarn" => Yarn(rope, theta, original, maxPositions),
            "longrope" or "su" => Long(rope, original, maxPositions, headDim),
            _ => null,
        };
    }

    private static bool ChangesNothing(JsonSettings rope, string name, string type, int maxPositions) => (type, name) switch
    {
        ("default", "factor") => rope.Number(name) == 1,
        ("default" or "dynamic", Original) => rope.Number(name) == maxPositions,
        _ => false,
    };

    private static Llama3RopeScaling Llama3(JsonSettings rope, int original)
    {
        double low = Required(rope, "low_freq_factor"), high = Required(rope, "high_freq_factor");
        if (high <= low) throw rope.Refuse($"high_freq_factor {high} must be above low_freq_factor {low}");
        return new Llama3RopeScaling(Required(rope, "factor"), low, high, original);
    }

    private static YarnRopeScaling Yarn(JsonSettings rope, double theta, int original, int maxPositions)
    {
        if (theta <= 1) throw rope.Refuse($"yarn needs a rope_theta above 1; it is {theta}");
        // The paper's own code knows yarn for models that were not trained with it, where the factor grows with the sequence.
        if (rope.Flag("finetuned") == false) throw rope.Refuse("finetuned = false is not supported: it is another formula");
        double factor = rope.Has("factor") && rope["factor"] is null ? (double)maxPositions / original : Required(rope, "factor");
        double? attention = rope.Number("attention_factor");
        if (attention < 0) throw rope.Refuse($"attention_factor {attention} must be 0 or more");
        // As in transformers' code, 0 is as good as absent, and an explicit null does not truncate.
        return new YarnRopeScaling(
            factor, AboveOrZero(rope, "beta_fast") is { } fast and > 0 ? fast : 32, AboveOrZero(rope, "beta_slow") is { } slow and > 0 ? slow : 1, original, attention,
            AboveOrZero(rope, "mscale"), AboveOrZero(rope, "mscale_all_dim"), rope.Has("truncate") ? rope.Flag("truncate") ?? false : true);
    }

    private static LongRopeScaling Long(JsonSettings rope, int original, int maxPositions, int headDim)
    {
        double factor = Above(0, rope, "factor") ?? (double)maxPositions / original;
        double attention = AboveOrZero(rope, "attention_factor") ?? (factor <= 1 ? 1 : Math.Sqrt(1 + Math.Log(factor) / Math.Log(original)));
        return new LongRopeScaling(Factors("short_factor"), Factors("long_factor"), original, attention);

        double[] Factors(string name)
        {
            if (rope[name] is not { ValueKind: JsonValueKind.Array } list) throw rope.Refuse($"{name}, a list of numbers, is missing");
            double[] factors = [.. list.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Number && item.GetDouble() is > 0 and var number
                ? number : throw rope.Wrong(name, list, "a list of numbers above 0"))];
            return factors.Length == headDim / 2 ? factors : throw rope.Refuse($"{name} has {factors.Length} numbers; half of the turned dimensions are {headDim / 2}");
        }
    }

    private static double Required(JsonSettings rope, string name) => Above(0, rope, name) ?? throw rope.Refuse($"{name} is missing");

    private static double? Above(double least, JsonSettings from, string name) =>
        from.Number(name) is not { } number || number > least ? from.Number(name) : throw from.Refuse($"{name} {number} must be above {least}");

    private static double? AboveOrZero(JsonSettings from, string name) =>
        from.Number(name) is not { } number || number >= 0 ? from.Number(name) : throw from.Refuse($"{name} {number} must be 0 or more");
}

/// <summary>What a config says of its rotary embedding.</summary>
/// <param name="Dims">Dimensions of a head that are turned.</param>
internal readonly record struct RopeReading(double Theta, RopeScaling? Scaling, int Dims);
