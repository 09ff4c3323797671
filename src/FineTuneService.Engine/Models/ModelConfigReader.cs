using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models.Families;

namespace FineTuneService.Engine.Models;

/// <summary>Reads config.json, of old and new style (rope_parameters, dtype), by its family, and refuses by name what the decoder does not do.</summary>
internal static class ModelConfigReader
{
    private const string File = ConfigJson.File;

    /// <exception cref="ModelException">Not a config, or one of a model that the Engine does not compute.</exception>
    public static ModelConfig Read(string json)
    {
        JsonSettings settings = JsonSettings.Parse(json, File, message => new ModelException(message));
        Family family = FamilyOf(settings);
        var config = new ConfigJson(settings, json);
        ModelConfig model = family.Read(config) with { Family = family };
        ModelConfigKeys.RefuseUncomputed(config);
        return Check(model);
    }

    private static Family FamilyOf(JsonSettings config)
    {
        string? architecture = config["architectures"] is { ValueKind: JsonValueKind.Array } names && names.GetArrayLength() > 0
            ? config.TextOf("architectures", names[0]) : null;
        string type = config.Text("model_type") ?? throw config.Refuse("model_type is missing");
        string known = string.Join(", ", FamilyTable.All.Select(family => family.ModelType));
        Family family = FamilyTable.All.FirstOrDefault(family => family.ModelType == type)
            ?? throw new ModelException($"{File}: architecture {architecture ?? type} is not supported: the Engine loads model_type {known}.");
        if (architecture is not null && !family.Architectures.Contains(architecture))
            throw new ModelException($"{File}: architecture {architecture} is not supported: of model_type {type} the Engine loads {family.Architectures[0]}.");
        if (config["quantization_config"] is not null) throw new ModelException($"{File}: quantization_config is not supported: load the unquantised model and choose nf4 here.");
        return family;
    }

    private static ModelConfig Check(ModelConfig config)
    {
        if (config.Heads % config.KeyValueHeads != 0)
            throw new ModelException($"{File}: num_key_value_heads {config.KeyValueHeads} does not divide num_attention_heads {config.Heads}.");
        bool turns = Enumerable.Range(0, config.LayerTraits.Count == 0 ? 1 : config.Layers).Any(i => config.Layer(i).Rope != RopeUse.None);
        if (turns && config.Rope(RopeUse.Global).Dims % 2 != 0) throw new ModelException($"{File}: of head_dim {config.HeadDim} rotary embedding turns {config.Rope(RopeUse.Global).Dims}, which is odd; it needs pairs.");
        return config;
    }

    /// <summary>One id, a list of them, or none. A negative one stands for none, as in the first configs of the family.</summary>
    public static IReadOnlyList<int> Ids(JsonSettings config, string name)
    {
        if (config[name] is not { } value) return [];
        JsonElement[] given = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Where(id => id.ValueKind != JsonValueKind.Null)] : [value];
        return [.. given.Select(id => id.ValueKind == JsonValueKind.Number && id.TryGetInt32(out int number)
            ? number : throw config.Wrong(name, value, "a token's id or a list of them")).Where(id => id >= 0)];
    }
}
