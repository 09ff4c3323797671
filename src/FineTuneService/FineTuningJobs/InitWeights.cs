using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.FineTuningJobs;

/// <summary>PEFT's init_lora_weights: a name, or true for its default.</summary>
[JsonConverter(typeof(InitWeightsConverter))]
public sealed record InitWeights(string Name);

internal sealed class InitWeightsConverter : JsonConverter<InitWeights>
{
    private const string Default = "default";

    public override InitWeights Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.True => new InitWeights(Default),
        JsonTokenType.String => new InitWeights(reader.GetString()!),
        _ => throw new JsonException("expected true or the name of an initialisation, such as pissa"),
    };

    public override void Write(Utf8JsonWriter writer, InitWeights value, JsonSerializerOptions options)
    {
        if (value.Name == Default) writer.WriteBooleanValue(true);
        else writer.WriteStringValue(value.Name);
    }
}
