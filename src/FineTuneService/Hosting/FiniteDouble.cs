using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Hosting;

/// <summary>
/// System.Text.Json reads 1e999 as infinity, and cannot write it again: such a number is refused where it comes in, by the name of its
/// field. What the service itself computed and is no number goes out as null, so that one bad row spoils no list.
/// </summary>
internal sealed class FiniteDouble : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) => Require(reader.GetDouble());

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value)) writer.WriteNumberValue(value);
        else writer.WriteNullValue();
    }

    public static double Require(double number) =>
        double.IsFinite(number) ? number : throw new JsonException("it is too large for a number; write a smaller one.");
}
