using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>A string, or an array of strings, as PEFT's target_modules and OpenAI's stop are written.</summary>
[JsonConverter(typeof(OneOrManyConverter))]
public sealed record OneOrMany(IReadOnlyList<string> Values)
{
    /// <summary>It was written as a string.</summary>
    public bool IsOne { get; init; }
}

internal sealed class OneOrManyConverter : JsonConverter<OneOrMany>
{
    private const string Expected = "expected a string or an array of strings";

    public override OneOrMany Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => new OneOrMany([reader.GetString()!]) { IsOne = true },
        JsonTokenType.StartArray => new OneOrMany(Many(ref reader)),
        _ => throw new JsonException(Expected),
    };

    private static List<string> Many(ref Utf8JsonReader reader)
    {
        var values = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            values.Add(reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException(Expected));
        return values;
    }

    public override void Write(Utf8JsonWriter writer, OneOrMany value, JsonSerializerOptions options)
    {
        if (value.IsOne) writer.WriteStringValue(value.Values[0]);
        else JsonSerializer.Serialize(writer, value.Values, options);
    }
}
