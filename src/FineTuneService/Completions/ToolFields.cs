using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Completions;

/// <summary>A function that the model may call.</summary>
public sealed record ToolBody
{
    /// <summary>function; OpenAI's custom tools are not built.</summary>
    public required string Type { get; init; }
    public required FunctionBody Function { get; init; }
}

public sealed record FunctionBody
{
    /// <summary>Up to 64 of a-z, A-Z, 0-9, _ and -.</summary>
    public required string Name { get; init; }
    public string? Description { get; init; }

    /// <summary>A JSON schema of the arguments; none: no arguments.</summary>
    public JsonElement? Parameters { get; init; }

    /// <summary>Where a call is required its arguments fit the schema either way.</summary>
    public bool? Strict { get; init; }
}

/// <summary>A call that the assistant made: in an answer, or in a message that is sent back.</summary>
public sealed record ToolCallBody
{
    /// <summary>Which of the answer's calls; in a stream only.</summary>
    public int? Index { get; init; }
    public string? Id { get; init; }
    public string? Type { get; init; }
    public required ToolFunction Function { get; init; }
}

public sealed record ToolFunction
{
    public string? Name { get; init; }

    /// <summary>A JSON object's text; in a stream a part of it.</summary>
    public required string Arguments { get; init; }
}

/// <summary>none, auto, required, or {"type": "function", "function": {"name": …}}.</summary>
[JsonConverter(typeof(ToolChoiceConverter))]
public sealed record ToolChoice(string Mode, string? Function = null);

internal sealed class ToolChoiceConverter : JsonConverter<ToolChoice>
{
    private const string Expected = "expected \"none\", \"auto\", \"required\" or {\"type\": \"function\", \"function\": {\"name\": …}}; allowed_tools and custom tools are not built";

    public override ToolChoice Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        JsonElement choice = value.RootElement;
        if (choice.ValueKind == JsonValueKind.String && choice.GetString() is "none" or "auto" or "required") return new ToolChoice(choice.GetString()!);
        return choice.ValueKind == JsonValueKind.Object && choice.TryGetProperty("type", out JsonElement kind) && kind.ValueKind == JsonValueKind.String && kind.ValueEquals("function")
            && choice.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object
            && function.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String
            ? new ToolChoice("function", name.GetString()) : throw new JsonException(Expected);
    }

    public override void Write(Utf8JsonWriter writer, ToolChoice value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value.Function is null ? value.Mode : (object)new { type = "function", function = new { name = value.Function } }, options);
}
