using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.Hosting;

namespace FineTuneService.FineTuningJobs;

/// <summary>PEFT's trainable_token_indices: ids for the input embeddings, or for each of some modules.</summary>
/// <param name="Modules">The name "" is the input embeddings.</param>
[JsonConverter(typeof(TokenIndicesConverter))]
public sealed record TokenIndices(IReadOnlyDictionary<string, IReadOnlyList<int>> Modules);

internal sealed class TokenIndicesConverter : JsonConverter<TokenIndices>
{
    private const string Expected = "expected a list of token ids, or one for each module by its name";

    public override TokenIndices Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        var modules = new Dictionary<string, IReadOnlyList<int>>();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            if (WholeNumbersConverter.Many(ref reader, Expected) is { Count: > 0 } ids) modules[""] = ids;
            return new TokenIndices(modules);
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string module = reader.GetString()!;
            reader.Read();
            if (module.Length == 0 || !modules.TryAdd(module, WholeNumbersConverter.Many(ref reader, Expected))) throw new JsonException(Expected);
        }
        return new TokenIndices(modules);
    }

    public override void Write(Utf8JsonWriter writer, TokenIndices value, JsonSerializerOptions options)
    {
        if (value.Modules.TryGetValue("", out IReadOnlyList<int>? ids)) JsonSerializer.Serialize(writer, ids, options);
        else JsonSerializer.Serialize(writer, value.Modules, options);
    }
}
