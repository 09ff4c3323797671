using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>A number, or "auto" (as OpenAI's hyperparameters allow), which leaves the choice to the service.</summary>
[JsonConverter(typeof(AutoConverter))]
public readonly record struct Auto(double? Number)
{
    /// <summary>The number asked for, or what <paramref name="otherwise"/> says.</summary>
    public double Or(double otherwise) => Number ?? otherwise;
}

internal sealed class AutoConverter : JsonConverter<Auto>
{
    public override Auto Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => reader.TokenType switch
    {
        JsonTokenType.Number => new Auto(FiniteDouble.Require(reader.GetDouble())),
        JsonTokenType.String when reader.GetString() == "auto" => new Auto(null),
        _ => throw new JsonException("expected a number or \"auto\""),
    };

    public override void Write(Utf8JsonWriter writer, Auto value, JsonSerializerOptions options)
    {
        if (value.Number is { } number) writer.WriteNumberValue(number);
        else writer.WriteStringValue("auto");
    }
}
