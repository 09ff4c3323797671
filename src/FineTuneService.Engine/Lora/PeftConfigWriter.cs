using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Lora;

/// <summary>Writes adapter_config.json with the fields that every PEFT since 0.8 knows, and of newer ones those that are used: an older one refuses them.</summary>
internal static class PeftConfigWriter
{
    /// <param name="layout">What the adapter is on.</param>
    /// <param name="baseModel">The base's name, for base_model_name_or_path.</param>
    public static string Write(LoraConfig config, LoraLayout layout, string baseModel)
    {
        if (config.Prompt is { } prompt) return PromptConfigFile.Write(prompt, layout, baseModel);
        var json = new JsonObject
        {
            ["alpha_pattern"] = Pattern(config.AlphaPattern.Select(entry => KeyValuePair.Create(entry.Key, Number(entry.Value)))),
            ["auto_mapping"] = null,
            ["base_model_name_or_path"] = baseModel,
            ["bias"] = config.Bias switch { LoraBias.All => "all", LoraBias.LoraOnly => "lora_only", _ => "none" },
            ["fan_in_fan_out"] = layout.Layers.Any(layer => layer.Transposed),
            ["inference_mode"] = true,
            ["init_lora_weights"] = true,
            ["layers_pattern"] = config.LayersPattern.Count == 0 ? null : Names(config.LayersPattern),
            ["layers_to_transform"] = config.LayersToTransform.Count == 0 ? null : new JsonArray([.. config.LayersToTransform.Select(layer => (JsonNode)layer)]),
            ["lora_alpha"] = Number(config.Alpha),
            ["lora_dropout"] = config.Dropout,
            ["modules_to_save"] = config.ModulesToSave.Count == 0 ? null : Names(config.ModulesToSave),
            ["peft_type"] = "LORA",
            ["r"] = config.Rank,
            ["rank_pattern"] = Pattern(config.RankPattern.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode)entry.Value))),
            ["revision"] = null,
            ["target_modules"] = config.TargetPattern is { } pattern ? pattern : Names(Targets(config, layout)),
            ["task_type"] = "CAUSAL_LM",
            ["use_dora"] = config.UseDora,
            ["use_rslora"] = config.UseRslora,
        };
        if (config.BiasOfB) json["lora_bias"] = true;
        if (config.TargetParameters.Count > 0) json["target_parameters"] = Names(config.TargetParameters);
        if (config.EnsureWeightTying) json["ensure_weight_tying"] = true;
        if (config.TrainableTokenIndices.Count > 0) json["trainable_token_indices"] = Tokens(config.TrainableTokenIndices);
        if (config.ExcludePattern is not null) json["exclude_modules"] = config.ExcludePattern;
        else if (config.ExcludeModules.Count > 0) json["exclude_modules"] = Names(config.ExcludeModules);
        return json.ToJsonString(new() { WriteIndented = true });
    }

    /// <summary>The words for all of them are written out, as PEFT does.</summary>
    private static IEnumerable<string> Targets(LoraConfig config, LoraLayout layout) => config.TargetModules is [LoraConfig.AllLinear or LoraConfig.AllLinearAndHead]
        ? layout.Layers.SelectMany(layer => layer.Modules).Except(layout.Stacked.SelectMany(stack => stack.Experts)).Select(module => module.Part.Module[(module.Part.Module.LastIndexOf('.') + 1)..]) : config.TargetModules;

    private static JsonNode Tokens(IReadOnlyDictionary<string, IReadOnlyList<int>> tokens)
    {
        static JsonArray Ids(IReadOnlyList<int> ids) => new([.. ids.Select(id => (JsonNode)id)]);
        return tokens.TryGetValue("", out IReadOnlyList<int>? all) ? Ids(all) : new JsonObject([.. tokens.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)Ids(entry.Value)))]);
    }

    private static JsonArray Names(IEnumerable<string> names) => new([.. names.Distinct().Order(StringComparer.Ordinal).Select(name => (JsonNode)name)]);

    /// <summary>In PEFT the first key that matches wins: their order stays.</summary>
    private static JsonObject Pattern(IEnumerable<KeyValuePair<string, JsonNode>> entries) => new([.. entries.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))]);

    private static JsonNode Number(double value) => value == Math.Floor(value) ? (long)value : value;
}
