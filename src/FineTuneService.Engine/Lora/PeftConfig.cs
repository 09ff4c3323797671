using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Lora;

/// <summary>adapter_config.json, as PEFT writes and reads it.</summary>
public static class PeftConfig
{
    /// <summary>Fields that say nothing about what an adapter computes.</summary>
    private static readonly HashSet<string> Neutral =
    [
        "auto_mapping", "base_model_name_or_path", "ensure_weight_tying", "inference_mode", "lora_alpha", "lora_dropout", "megatron_config",
        "megatron_core", "peft_type", "peft_version", "qalora_group_size", "r", "revision", "target_modules", "task_type",
    ];

    /// <exception cref="AdapterException">Another kind of adapter, or an option that is not supported; the message names it.</exception>
    public static LoraConfig Parse(string json)
    {
        try
        {
            var config = JsonNode.Parse(json) as JsonObject ?? throw new AdapterException("adapter_config.json is not a JSON object.");
            if (Field<string?>(config, "peft_type") is var kind and not "LORA") throw new AdapterException($"peft_type {kind ?? "(none)"} is not supported: the Engine loads LORA.");
            foreach ((string option, JsonNode? value) in config) RefuseUnlessPlain(option, value);
            return new LoraConfig
            {
                Rank = Field<int?>(config, "r") ?? throw new AdapterException("adapter_config.json: r is missing."),
                Alpha = Field<double?>(config, "lora_alpha") ?? throw new AdapterException("adapter_config.json: lora_alpha is missing."),
                Dropout = Field<double?>(config, "lora_dropout") ?? 0,
                TargetModules = Targets(config["target_modules"]),
            };
        }
        catch (Exception error) when (error is JsonException or ArgumentException) // the latter for a field that is there twice
        {
            throw new AdapterException($"adapter_config.json is not JSON: {error.Message}");
        }
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

    private static T? Field<T>(JsonObject config, string name)
    {
        try
        {
            return config[name] is { } node ? node.GetValue<T>() : default;
        }
        catch (Exception error) when (error is InvalidOperationException or FormatException)
        {
            throw new AdapterException($"adapter_config.json: {name} = {config[name]!.ToJsonString()} has the wrong type.");
        }
    }

    private static void RefuseUnlessPlain(string option, JsonNode? value)
    {
        if (Neutral.Contains(option)) return;
        bool plain = value switch
        {
            null => true,
            JsonObject { Count: 0 } or JsonArray { Count: 0 } => true,
            _ when option == "bias" => Text(value) == "none",
            // How A and B were drawn does not matter once they are there, unless the base was changed to fit.
            _ when option == "init_lora_weights" => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False || Text(value) is "gaussian" or "orthogonal" or "eva",
            _ => value.GetValueKind() == JsonValueKind.False,
        };
        if (!plain) throw new AdapterException($"adapter_config.json: {option} = {value!.ToJsonString()} is not supported.");
    }

    private static IReadOnlyList<string> Targets(JsonNode? node) => node switch
    {
        JsonArray names => [.. names.Select(name => Text(name) ?? throw new AdapterException("adapter_config.json: target_modules holds what is not a name."))],
        JsonValue value when Text(value) == LoraConfig.AllLinear => [LoraConfig.AllLinear],
        JsonValue value when Text(value) is not null => throw new AdapterException("adapter_config.json: target_modules as a regular expression is not supported."),
        _ => throw new AdapterException("adapter_config.json: target_modules, a list of names, is missing."),
    };

    private static string? Text(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;
}
