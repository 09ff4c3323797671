using System.Text.Json;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Tokenizers.Added;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>
/// What the files beside tokenizer.json say about tokens: tokenizer_config.json and, from older versions of transformers,
/// special_tokens_map.json and added_tokens.json.
/// </summary>
/// <param name="Named">bos_token, eos_token and the others, by these names.</param>
/// <param name="Entries">Tokens to add, or whose flags to lay over tokenizer.json's, in transformers' order.</param>
/// <param name="AddBos">add_bos_token: whether a text begins with the BOS; null leaves it to the post-processor.</param>
/// <param name="AddEos">add_eos_token, likewise at a text's end.</param>
internal sealed record TokenizerConfig(
    IReadOnlyDictionary<string, string> Named, IReadOnlyList<TokenEntry> Entries, bool? AddBos, bool? AddEos)
{
    public const string FileName = "tokenizer_config.json";

    private const string MapFile = "special_tokens_map.json", AddedFile = "added_tokens.json";

    // transformers adds them in this order.
    private static readonly string[] Names =
        ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    /// <summary>Lists of further special tokens: the name of transformers up to 4, and the one of 5.</summary>
    private static readonly string[] Lists = ["additional_special_tokens", "extra_special_tokens"];

    /// <exception cref="TokenizerException">A file is not what its name says.</exception>
    public static TokenizerConfig Load(string folder)
    {
        return Parse(Text(FileName), Text(MapFile), Text(AddedFile));

        string? Text(string name) => ModelTextFiles.Read(folder, name);
    }

    /// <inheritdoc cref="Load"/>
    public static TokenizerConfig Parse(string? config, string? map = null, string? added = null)
    {
        var (settings, older, ids) = (Read(FileName, config), Read(MapFile, map), Read(AddedFile, added));
        var decoder = Fields(settings, "added_tokens_decoder").Where(entry => int.TryParse(entry.Name, out _)).ToList();
        // As in transformers, the map wins over a configuration that has no added_tokens_decoder, since that is the older one.
        JsonElement?[] sources = decoder.Count > 0 ? [settings, older] : [older, settings];
        var entries = decoder.OrderBy(entry => int.Parse(entry.Name)).Select(entry => TokenEntry.Read(entry.Value, special: false)).ToList();
        var named = new Dictionary<string, string>();
        var special = new List<TokenEntry>();
        foreach (var name in Names)
            if (sources.Select(source => Field(source, name)).FirstOrDefault(value => value is not null) is { } value)
            {
                special.Add(TokenEntry.Read(value, special: true));
                named[name] = special[^1].Content;
            }
        special.AddRange(sources.SelectMany(Further));
        var isSpecial = special.Select(entry => entry.Content).ToHashSet();
        entries.AddRange(Fields(ids).Where(entry => entry.Value.ValueKind == JsonValueKind.Number).OrderBy(entry => entry.Value.GetDouble())
            .Select(entry => new TokenEntry(entry.Name, isSpecial.Contains(entry.Name))));
        return new TokenizerConfig(named, [.. entries, .. special], Flag("add_bos_token"), Flag("add_eos_token"));

        bool? Flag(string name) => Field(settings, name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } flag ? flag.GetBoolean() : null;
    }

    /// <summary>This with what only the other one says.</summary>
    public TokenizerConfig Over(TokenizerConfig other) => this with
    {
        Named = other.Named.Concat(Named).GroupBy(pair => pair.Key).ToDictionary(pairs => pairs.Key, pairs => pairs.Last().Value),
        AddBos = AddBos ?? other.AddBos,
        AddEos = AddEos ?? other.AddEos,
    };

    private static IEnumerable<TokenEntry> Further(JsonElement? source) =>
        from name in Lists
        let value = Field(source, name)
        where value is not null
        from token in value.Value.ValueKind switch
        {
            JsonValueKind.Array => value.Value.EnumerateArray(),
            // Some models name theirs: {"image_token": "<image>"}.
            JsonValueKind.Object => value.Value.EnumerateObject().Select(field => field.Value),
            _ => (IEnumerable<JsonElement>)[],
        }
        where token.ValueKind is JsonValueKind.String or JsonValueKind.Object
        select TokenEntry.Read(token, special: true);

    private static JsonElement? Read(string file, string? json)
    {
        if (json is null) return null;
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone() : throw new TokenizerException($"{file}: not a JSON object.");
        }
        catch (JsonException broken)
        {
            throw new TokenizerException($"{file}: not JSON ({JsonFault.Place(broken)}): {JsonFault.Sentence(broken)}", broken);
        }
    }

    private static JsonElement? Field(JsonElement? source, string name) =>
        source is { } json && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static IEnumerable<JsonProperty> Fields(JsonElement? source, string? name = null) =>
        (name is null ? source : Field(source, name)) is { ValueKind: JsonValueKind.Object } json ? json.EnumerateObject() : [];
}
