using System.Text.Json;
using System.Text.Json.Serialization;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Completions;

/// <summary>OpenAI's prompt: a text, several texts, the ids of one prompt's tokens, or those of several.</summary>
[JsonConverter(typeof(PromptsConverter))]
public sealed record Prompts(IReadOnlyList<Prompt> Each);

/// <summary>One prompt, as text or as tokens.</summary>
public readonly record struct Prompt(string? Text, int[]? Ids)
{
    internal int[] Encode(PromptEncoder encoder) => Ids ?? encoder.EncodeText(Text!);
}

internal sealed class PromptsConverter : JsonConverter<Prompts>
{
    private const string Expected = "expected a text, an array of texts, an array of token ids, or an array of such arrays";

    public override Prompts Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return new Prompts([new Prompt(reader.GetString(), null)]);
        if (reader.TokenType != JsonTokenType.StartArray) throw new JsonException(Expected);
        using var array = JsonDocument.ParseValue(ref reader);
        JsonElement[] items = [.. array.RootElement.EnumerateArray()];
        if (items.Length == 0) throw new JsonException("it is empty; write at least one prompt");
        return items[0].ValueKind switch
        {
            JsonValueKind.Number => new Prompts([new Prompt(null, Ids(items))]),
            JsonValueKind.Array => new Prompts([.. items.Select(item => new Prompt(null, Ids(item.ValueKind == JsonValueKind.Array ? item.EnumerateArray() : throw new JsonException(Expected))))]),
            _ => new Prompts([.. items.Select(item => new Prompt(item.ValueKind == JsonValueKind.String ? item.GetString() : throw new JsonException(Expected), null))]),
        };
    }

    public override void Write(Utf8JsonWriter writer, Prompts value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value.Each.Select(prompt => (object?)prompt.Text ?? prompt.Ids), options);

    private static int[] Ids(IEnumerable<JsonElement> items) =>
        [.. items.Select(item => item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int id) ? id : throw new JsonException(Expected))];
}
