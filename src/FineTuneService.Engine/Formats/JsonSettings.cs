using System.Text.Json;

namespace FineTuneService.Engine.Formats;

/// <summary>The JSON object that a settings file holds. What is missing, of the wrong type or out of range is named, with its file.</summary>
internal sealed class JsonSettings
{
    private readonly string _where;
    private readonly Func<string, Exception> _refuse;
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);

    private JsonSettings(string where, JsonElement json, Func<string, Exception> refuse)
    {
        (_where, _refuse) = (where, refuse);
        foreach (JsonProperty field in json.EnumerateObject())
        {
            if (!_fields.TryAdd(NameOf(field), field.Value)) throw Refuse($"{field.Name} is there twice");
        }
    }

    /// <summary>Fields in the file's order.</summary>
    public IEnumerable<string> Names => _fields.Keys;

    /// <summary>A field; null where it is absent, or null.</summary>
    public JsonElement? this[string name] => _fields.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <param name="file">Its name, for messages.</param>
    /// <param name="refuse">Makes the exception of a message.</param>
    public static JsonSettings Parse(string text, string file, Func<string, Exception> refuse)
    {
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind != JsonValueKind.Object) throw refuse($"{file} is not a JSON object but {Kind(json.RootElement)}.");
            return new JsonSettings(file, json.RootElement.Clone(), refuse);
        }
        catch (JsonException error)
        {
            throw refuse($"{file} is not JSON ({JsonFault.Place(error)}): {JsonFault.Sentence(error)}");
        }
    }

    /// <summary>Whether the field is there, be it null.</summary>
    public bool Has(string name) => _fields.ContainsKey(name);

    public int? Whole(string name, int least, int most)
    {
        if (this[name] is not { } value) return null;
        if (value.ValueKind != JsonValueKind.Number) throw Wrong(name, value, "a whole number");
        return value.TryGetInt32(out int number) && number >= least && number <= most ? number : throw Wrong(name, value, $"a whole number from {least} to {most}");
    }

    /// <summary>A finite number.</summary>
    public double? Number(string name)
    {
        if (this[name] is not { } value) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Wrong(name, value, "a finite number");
    }

    public bool? Flag(string name) => this[name] switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong(name, value, "true or false"),
    };

    public string? Text(string name) => this[name] is { } value ? TextOf(name, value) : null;

    /// <summary>The text that a field, or an element of its list, is.</summary>
    public string TextOf(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String) throw Wrong(name, value, "a text");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Refuse($"{name} holds half of a surrogate pair, which is no text");
        }
    }

    public JsonSettings? Object(string name)
    {
        if (this[name] is not { } value) return null;
        return value.ValueKind == JsonValueKind.Object ? new JsonSettings($"{_where}: {name}", value, _refuse) : throw Wrong(name, value, "an object");
    }

    /// <summary>The exception that says what is wrong, and in which file.</summary>
    public Exception Refuse(string message) => _refuse($"{_where}: {message}.");

    public Exception Wrong(string name, JsonElement value, string wanted) => Refuse($"{name} = {Short(value)} has the wrong type or range; it must be {wanted}");

    /// <summary>A value as it is written, on one line and short enough for a message.</summary>
    public static string Short(JsonElement value)
    {
        string text = string.Concat(value.GetRawText().Split('\n').Select(line => line.Trim()));
        return text.Length > 80 ? text[..80] + "…" : text;
    }

    private string NameOf(JsonProperty field)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            throw Refuse("a field's name holds half of a surrogate pair, which is no text");
        }
    }

    private static string Kind(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.Null => "null",
        _ => "true or false",
    };
}
