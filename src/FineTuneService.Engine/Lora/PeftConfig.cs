using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Lora;

/// <summary>adapter_config.json, as PEFT writes and reads it.</summary>
public static class PeftConfig
{
    private const double LargestAlpha = 1e6;

    /// <summary>Fields that say nothing about what an adapter computes.</summary>
    private static readonly HashSet<string> Neutral =
    [
        "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "inference_mode", "lora_alpha", "lora_dropout", "megatron_config",
        "megatron_core", "peft_type", "peft_version", "qalora_group_size", "r", "revision", "target_modules", "task_type",
    ];

    /// <exception cref="AdapterException">Another kind of adapter, or an option that is not supported; the message names it.</exception>
    public static LoraConfig Parse(string json)
    {
        JsonSettings config = JsonSettings.Parse(json, PeftFolder.ConfigFile, message => new AdapterException(message));
        if (config.Text("peft_type") is var kind and not "LORA") throw new AdapterException($"peft_type {kind ?? "(none)"} is not supported: the Engine loads LORA.");
        foreach (string option in config.Names) RefuseUnlessPlain(option, config);
        return new LoraConfig
        {
            Rank = config.Whole("r", 1, LoraConfig.LargestRank) ?? throw config.Refuse("r is missing"),
            Alpha = Alpha(config),
            Dropout = config.Number("lora_dropout") is not { } dropout || dropout is >= 0 and <= 1
                ? config.Number("lora_dropout") ?? 0 : throw config.Wrong("lora_dropout", config["lora_dropout"]!.Value, "a number from 0 to 1"),
            TargetModules = Targets(config),
        };
    }

    /// <summary>The fields that every PEFT since 0.8 knows: an older one refuses fields of a newer one.</summary>
    public static string ToJson(LoraConfig config, IEnumerable<string> targetModules, string baseModel) => new JsonObject
    {
        ["alpha_pattern"] = new JsonObject(),
        ["auto_mapping"] = null,
        ["base_model_name_or_path"] = baseModel,
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["inference_mode"] = true,
        ["init_lora_weights"] = true,
        ["layers_pattern"] = null,
        ["layers_to_transform"] = null,
        ["lora_alpha"] = config.Alpha == Math.Floor(config.Alpha) ? (long)config.Alpha : config.Alpha,
        ["lora_dropout"] = config.Dropout,
        ["modules_to_save"] = null,
        ["peft_type"] = "LORA",
        ["r"] = config.Rank,
        ["rank_pattern"] = new JsonObject(),
        ["revision"] = null,
        ["target_modules"] = new JsonArray([.. targetModules.Order(StringComparer.Ordinal).Select(name => (JsonNode)name)]),
        ["task_type"] = "CAUSAL_LM",
        ["use_dora"] = false,
        ["use_rslora"] = false,
    }.ToJsonString(new() { WriteIndented = true });

    private static double Alpha(JsonSettings config)
    {
        double alpha = config.Number("lora_alpha") ?? throw config.Refuse("lora_alpha is missing");
        return alpha is > 0 and <= LargestAlpha ? alpha : throw config.Wrong("lora_alpha", config["lora_alpha"]!.Value, $"above 0 and at most {LargestAlpha:0}");
    }

    private static void RefuseUnlessPlain(string option, JsonSettings config)
    {
        if (Neutral.Contains(option) || config[option] is not { } value) return;
        bool plain = value.ValueKind switch
        {
            JsonValueKind.False => true,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.True => option == "init_lora_weights",
            JsonValueKind.String when option == "bias" => config.Text(option) == "none",
            // How A and B were drawn does not matter once they are there, unless the base was changed to fit.
            JsonValueKind.String when option == "init_lora_weights" => config.Text(option) is "gaussian" or "orthogonal" or "eva",
            _ => false,
        };
        if (!plain) throw config.Refuse($"{option} = {JsonSettings.Short(value)} is not supported");
    }

    private static IReadOnlyList<string> Targets(JsonSettings config)
    {
        if (config["target_modules"] is not { } targets) throw config.Refuse("target_modules, a list of names, is missing");
        if (targets.ValueKind == JsonValueKind.Array) return [.. targets.EnumerateArray().Select(name => config.TextOf("target_modules", name))];
        return config.Text("target_modules") == LoraConfig.AllLinear ? [LoraConfig.AllLinear] : throw config.Refuse("target_modules as a regular expression is not supported");
    }
}
