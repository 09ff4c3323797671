using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>A whole number, or an array of them, as PEFT's layers_to_transform is written.</summary>
[JsonConverter(typeof(WholeNumbersConverter))]
public sealed record WholeNumbers(IReadOnlyList<int> Values);

internal sealed class WholeNumbersConverter : JsonConverter<WholeNumbers>
{
    private const string Expected = "expected a whole number or an array of them";

    public override WholeNumbers Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        new(reader.TokenType == JsonTokenType.Number ? [One(ref reader, Expected)] : Many(ref reader, Expected));

    public override void Write(Utf8JsonWriter writer, WholeNumbers value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value.Values, options);

    /// <summary>The array that the reader is at.</summary>
    internal static List<int> Many(ref Utf8JsonReader reader, string expected)
    {
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException(expected);
        var values = new List<int>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) values.Add(One(ref reader, expected));
        return values;
    }

    private static int One(ref Utf8JsonReader reader, string expected) =>
        reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value) ? value : throw new JsonException(expected);
}
