using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>
/// A part of a body that is kept as it came (a schema, a tool's parameters). System.Text.Json looks into its texts only when somebody reads them,
/// far from the field's name; one that is no text (bytes that are not UTF-8, half of a surrogate pair) is refused where it comes in.
/// </summary>
internal sealed class ReadableJson : JsonConverter<JsonElement>
{
    public override JsonElement Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        Utf8JsonReader texts = reader;
        JsonElement value = JsonElement.ParseValue(ref reader);
        do
        {
            if (texts.TokenType is JsonTokenType.String or JsonTokenType.PropertyName) Require(ref texts);
        }
        while (texts.BytesConsumed < reader.BytesConsumed && texts.Read());
        return value;
    }

    public override void Write(Utf8JsonWriter writer, JsonElement value, JsonSerializerOptions options) => value.WriteTo(writer);

    private static void Require(ref Utf8JsonReader text)
    {
        try
        {
            text.GetString();
        }
        catch (InvalidOperationException)
        {
            throw new JsonException("it holds a text that is not UTF-8, or half of a surrogate pair");
        }
    }
}
