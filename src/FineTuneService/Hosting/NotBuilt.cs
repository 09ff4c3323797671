using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>
/// A field of OpenAI's that is not built yet. Many clients write it with a value that asks for nothing (null, false, 0, an empty
/// list or object, "none", {"type": "text"}): that is taken; anything else is refused by name, never ignored.
/// </summary>
[JsonConverter(typeof(NotBuiltConverter))]
public sealed class NotBuilt
{
    internal static readonly NotBuilt Nothing = new();
}

/// <summary>Its path is the field's, as every JsonException's.</summary>
internal sealed class NotBuiltException() : JsonException("it is not built yet");

internal sealed class NotBuiltConverter : JsonConverter<NotBuilt>
{
    public override NotBuilt Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        return AsksForNothing(value.RootElement) ? NotBuilt.Nothing : throw new NotBuiltException();
    }

    public override void Write(Utf8JsonWriter writer, NotBuilt value, JsonSerializerOptions options) => writer.WriteNullValue();

    private static bool AsksForNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.False => true,
        JsonValueKind.Number => value.TryGetDouble(out double number) && number == 0,
        JsonValueKind.String => value.ValueEquals("none"),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => value.EnumerateObject().All(field => field.NameEquals("type") && field.Value.ValueKind == JsonValueKind.String && field.Value.ValueEquals("text")),
        _ => false,
    };
}
