using System.Text.Json;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Lora;

/// <summary>Reads adapter_config.json as PEFT writes it.</summary>
public static class PeftConfig
{
    /// <summary>Fields that say nothing about what an adapter computes, or that are read below.</summary>
    private static readonly HashSet<string> Known =
    [
        "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "ensure_weight_tying", "exclude_modules", "fan_in_fan_out", "inference_mode",
        "layers_pattern", "layers_to_transform", "lora_alpha", "lora_bias", "lora_dropout", "megatron_config", "megatron_core", "modules_to_save",
        "peft_type", "peft_version", "qalora_group_size", "r", "rank_pattern", "revision", "target_modules", "target_parameters", "task_type", "trainable_token_indices",
        "use_dora", "use_rslora",
    ];

    /// <exception cref="AdapterException">Another kind of adapter, or an option that is not supported; the message names it.</exception>
    public static LoraConfig Parse(string json)
    {
        JsonSettings config = JsonSettings.Parse(json, PeftFolder.ConfigFile, message => new AdapterException(message));
        if (config.Text("peft_type") is PromptConfigFile.PeftType) return PromptConfigFile.Parse(config);
        if (config.Text("peft_type") is var kind and not "LORA") throw new AdapterException($"peft_type {kind ?? "(none)"} is not supported: the Engine loads LORA and {PromptConfigFile.PeftType}.");
        foreach (string option in config.Names) RefuseUnlessPlain(option, config);
        (string? pattern, IReadOnlyList<string> targets) = NamesOrPattern("target_modules", config);
        (_, IReadOnlyList<string> parameters) = NamesOrPattern("target_parameters", config);
        if (pattern is null && targets.Count == 0 && parameters.Count == 0 && config["target_modules"] is null) throw config.Refuse("target_modules, a list of names, is missing");
        if (pattern is LoraConfig.AllLinear) (pattern, targets) = (null, [LoraConfig.AllLinear]);
        (string? excluded, IReadOnlyList<string> exclusions) = NamesOrPattern("exclude_modules", config);
        var lora = new LoraConfig
        {
            Rank = config.Whole("r", 1, LoraConfig.LargestRank) ?? throw config.Refuse("r is missing"),
            Alpha = Alpha(config),
            Dropout = config.Number("lora_dropout") is not { } dropout || dropout is >= 0 and <= 1
                ? config.Number("lora_dropout") ?? 0 : throw config.Wrong("lora_dropout", config["lora_dropout"]!.Value, "a number from 0 to 1"),
            TargetModules = targets,
            TargetPattern = pattern,
            ExcludeModules = exclusions,
            ExcludePattern = excluded,
            LayersToTransform = Layers(config),
            LayersPattern = NamesOrPattern("layers_pattern", config) is var (one, names) && one is { Length: > 0 } ? [one] : names,
            RankPattern = Pattern("rank_pattern", config, (name, ranks) => ranks.Whole(name, 1, LoraConfig.LargestRank)),
            AlphaPattern = Pattern("alpha_pattern", config, (name, alphas) => alphas.Number(name)),
            UseRslora = config.Flag("use_rslora") ?? false,
            Initialisation = config["init_lora_weights"] is { ValueKind: JsonValueKind.String } && ChangedTheBase(config.Text("init_lora_weights")!)
                ? config.Text("init_lora_weights")! : new LoraConfig().Initialisation,
            UseDora = config.Flag("use_dora") ?? false,
            Bias = config.Text("bias") switch
            {
                null or "none" => LoraBias.None,
                "lora_only" => LoraBias.LoraOnly,
                "all" => LoraBias.All,
                _ => throw config.Wrong("bias", config["bias"]!.Value, "none, lora_only or all"),
            },
            BiasOfB = config.Flag("lora_bias") ?? false,
            ModulesToSave = NamesOrPattern("modules_to_save", config) is var (single, saved) && single is not null ? [single] : saved,
            TrainableTokenIndices = Tokens(config),
            TargetParameters = parameters,
            EnsureWeightTying = config.Flag("ensure_weight_tying") ?? false,
        };
        // Of no effect once A and B are trained; a config that drops everything is PEFT's to refuse.
        return Checked(lora with { Dropout = lora.Dropout == 1 ? 0 : lora.Dropout }, config) with { Dropout = lora.Dropout };
    }

    private static LoraConfig Checked(LoraConfig lora, JsonSettings config)
    {
        try
        {
            LoraConfig.Require(lora);
            return lora;
        }
        catch (ArgumentException problem)
        {
            throw config.Refuse(problem.Message);
        }
    }

    private static double Alpha(JsonSettings config)
    {
        double alpha = config.Number("lora_alpha") ?? throw config.Refuse("lora_alpha is missing");
        return alpha is > 0 and <= LoraConfig.LargestAlpha
            ? alpha : throw config.Wrong("lora_alpha", config["lora_alpha"]!.Value, $"above 0 and at most {LoraConfig.LargestAlpha:0}");
    }

    private static void RefuseUnlessPlain(string option, JsonSettings config)
    {
        if (Known.Contains(option) || config[option] is not { } value) return;
        bool plain = value.ValueKind switch
        {
            JsonValueKind.False => true,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            JsonValueKind.True => option == "init_lora_weights",
            // How A and B were drawn does not matter once they are there, unless the base was changed to fit.
            JsonValueKind.String when option == "init_lora_weights" => config.Text(option) is "gaussian" or "orthogonal" or "eva" || ChangedTheBase(config.Text(option)!),
            _ => false,
        };
        if (!plain) throw config.Refuse($"{option} = {JsonSettings.Short(value)} is not supported");
    }

    /// <summary>What was taken off the base can be made again of it. pissa_niter's draws are unknown, and LoftQ's base is another.</summary>
    private static bool ChangedTheBase(string initialisation) => initialisation is "pissa" or "olora";

    /// <summary>A list of names, or one text.</summary>
    private static (string? Text, IReadOnlyList<string> Names) NamesOrPattern(string option, JsonSettings config) => config[option] switch
    {
        null => (null, []),
        { ValueKind: JsonValueKind.Array } names => (null, [.. names.EnumerateArray().Select(name => config.TextOf(option, name))]),
        _ => (config.Text(option), []),
    };

    /// <summary>One number or a list.</summary>
    private static IReadOnlyList<int> Layers(JsonSettings config)
    {
        const string Option = "layers_to_transform";
        if (config[Option] is not { } value) return [];
        if (value.ValueKind != JsonValueKind.Array) return [config.Whole(Option, 0, int.MaxValue)!.Value];
        return [.. value.EnumerateArray().Select(layer =>
            layer.ValueKind == JsonValueKind.Number && layer.TryGetInt32(out int number) ? number : throw config.Wrong(Option, value, "a list of whole numbers"))];
    }

    /// <summary>A list for the input embeddings, or one for each module.</summary>
    private static IReadOnlyDictionary<string, IReadOnlyList<int>> Tokens(JsonSettings config)
    {
        const string Option = "trainable_token_indices";
        var tokens = new Dictionary<string, IReadOnlyList<int>>();
        if (config[Option] is not { } value) return tokens;
        if (value.ValueKind == JsonValueKind.Array) tokens[""] = Ids(value);
        else if (config.Object(Option) is { } modules)
        {
            foreach (string module in modules.Names.Where(module => module.Length > 0)) tokens[module] = Ids(modules[module] ?? throw modules.Refuse($"{module} is null"));
        }
        return tokens;

        int[] Ids(JsonElement list) => list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int number) ? number : throw config.Wrong(Option, list, "ids of tokens"))]
            : throw config.Wrong(Option, list, "a list of ids");
    }

    private static IReadOnlyDictionary<string, T> Pattern<T>(string option, JsonSettings config, Func<string, JsonSettings, T?> read) where T : struct
    {
        JsonSettings? values = config.Object(option);
        return values?.Names.ToDictionary(name => name, name => read(name, values) ?? throw values.Refuse($"{name} is null")) ?? [];
    }
}
