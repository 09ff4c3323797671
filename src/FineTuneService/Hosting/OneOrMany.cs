using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>A string, or an array of strings, as PEFT's target_modules and OpenAI's stop are written.</summary>
[JsonConverter(typeof(OneOrManyConverter))]
public sealed record OneOrMany(IReadOnlyList<string> Values);

internal sealed class OneOrManyConverter : JsonConverter<OneOrMany>
{
    public override OneOrMany Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.String => new OneOrMany([reader.GetString()!]),
        JsonTokenType.StartArray => new OneOrMany(JsonSerializer.Deserialize<string[]>(ref reader, options)!),
        _ => throw new JsonException("expected a string or an array of strings"),
    };

    public override void Write(Utf8JsonWriter writer, OneOrMany value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value.Values, options);
}
