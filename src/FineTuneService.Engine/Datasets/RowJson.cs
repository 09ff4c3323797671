using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <param name="Line">1-based line on which the row starts.</param>
/// <param name="Item">1-based place in an array; 0 in JSONL.</param>
internal readonly record struct RowPlace(int Line, int Item = 0);

/// <summary>One row's JSON object with its place: what the parsers of all formats ask of it.</summary>
/// <param name="read">A key of it that is dealt with already.</param>
internal sealed class RowJson(RowPlace place, JsonElement json, WarningList warnings, string? read = null)
{
    /// <summary>Where System.Text.Json's own limit is; deeper is legal JSON, but something is odd.</summary>
    private const int UsualDepth = 64;

    public int Line => place.Line;

    public JsonElement Json => json;

    public DatasetException Error(string message) => new(Line, place.Item > 0 ? $"item {place.Item}: {message}" : message, kind: message);

    public DatasetException Unsupported(string format) => DatasetException.Unsupported(Line, format);

    public void Warn(string message) => warnings.Add(Line, message);

    /// <summary>The same row for a parser that does not know one of its keys.</summary>
    public RowJson Without(string key) => new(place, json, warnings, key);

    /// <summary>An object that the row holds.</summary>
    public RowJson Inside(string key) => Require(key) is { ValueKind: JsonValueKind.Object } inner
        ? new RowJson(place, inner, warnings) : throw Error($"'{key}' is {Kind(Require(key))}, not an object.");

    /// <summary>The row with columns under our names instead of the file's. What had such a name before is out of the way.</summary>
    /// <param name="names">Our name and the file's.</param>
    public RowJson Renamed(IReadOnlyDictionary<string, string> names)
    {
        var columns = names.ToDictionary(name => name.Value, name => name.Key);
        var renamed = new Dictionary<string, JsonElement>();
        foreach (var property in json.EnumerateObject())
        {
            if (columns.TryGetValue(property.Name, out var name)) renamed[name] = property.Value;
            else if (!names.ContainsKey(property.Name)) renamed[property.Name] = property.Value;
        }
        return new RowJson(place, JsonSerializer.SerializeToElement(renamed, Deep), warnings);
    }

    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = JsonLines.MaxDepth + 1 };

    /// <summary>Whether there is a value under the key. Null and an empty list say as much as no key at all.</summary>
    public bool Has(string key) => Value(json, key) is not null;

    /// <summary>An object's value under a key that it need not have.</summary>
    public static JsonElement? Value(JsonElement element, string key) =>
        element.TryGetProperty(key, out var value) && !IsAbsent(value) ? value : null;

    private static bool IsAbsent(JsonElement value) =>
        value.ValueKind == JsonValueKind.Null || (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0);

    /// <summary>A text that the row need not have; empty where it has none.</summary>
    public string OptionalText(string key) => Value(json, key) is null ? "" : Text(key);

    /// <summary>What holds for rows of every format: an object, whose texts are Unicode.</summary>
    public void Check()
    {
        if (json.ValueKind != JsonValueKind.Object) throw Error($"the row is {Kind(json)}, not an object.");
        CheckTexts(json, 1);
    }

    private void CheckTexts(JsonElement element, int depth)
    {
        if (depth == UsualDepth) Warn($"values are nested {UsualDepth} levels deep or more.");
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                CheckText(() => element.GetString());
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray()) CheckTexts(item, depth + 1);
                break;
            case JsonValueKind.Object:
                var keys = new HashSet<string>();
                foreach (var property in element.EnumerateObject())
                {
                    if (!keys.Add(CheckText(() => property.Name)!))
                        Warn("a key appears twice in an object; the last one counts.");
                    CheckTexts(property.Value, depth + 1);
                }
                break;
        }
    }

    private string? CheckText(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException)
        {
            throw Error("a text holds half of a surrogate pair (such as \\ud800 alone), which is not Unicode.");
        }
    }

    /// <summary>The value under a key that the row must have.</summary>
    public JsonElement Require(string key)
    {
        if (json.TryGetProperty(key, out var value)) return value;
        var other = json.EnumerateObject().Select(property => property.Name)
            .FirstOrDefault(name => name.Trim().Equals(key, StringComparison.OrdinalIgnoreCase));
        throw Error($"the row has no '{key}'{(other is null ? "" : $"; keys are case-sensitive, and it has '{Clip.To(other, 40)}'")}.");
    }

    public string Text(string key) => Require(key) is { ValueKind: JsonValueKind.String } text ? text.GetString()!
        : throw Error($"'{key}' is {Kind(Require(key))}, not a text.");

    public void WarnOfUnknownKeys(JsonElement element, ReadOnlySpan<string> known)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (!known.Contains(property.Name) && property.Name != read && !IsAbsent(property.Value))
                Warn($"unknown keys, such as '{Clip.To(property.Name, 40)}', are ignored.");
        }
    }

    /// <summary>Warns of what is legal in a text and rarely meant.</summary>
    public void WarnOfText(string text)
    {
        if (text.Contains('\0')) Warn("a text holds NUL characters.");
        if (text.AsSpan().IndexOfAny(Invisible) >= 0)
            Warn("a text holds characters that are not seen, such as zero-width or direction marks.");
        if (SpecialTokens.Any(token => text.Contains(token, StringComparison.Ordinal)))
            Warn("a text holds a model's special token, such as <|im_end|>, which can end a turn early.");
    }

    public static string Kind(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => element.ValueKind.ToString().ToLowerInvariant(),
    };

    /// <summary>Zero-width characters, and marks that change the direction of writing.</summary>
    private const string Invisible = "\u200B\u200C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2060\u2066\u2067\u2068\u2069\uFEFF";

    /// <summary>The end marks of the families in the field.</summary>
    private static readonly string[] SpecialTokens =
    [
        "<|im_end|>", "<|im_start|>", "</s>", "<s>", "<|eot_id|>", "<|endoftext|>", "<|end_of_text|>", "<end_of_turn>", "<eos>",
        "<|end|>",
    ];
}
