using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTuneService.Completions;

/// <summary>A function, or custom tool, that the model may call.</summary>
public sealed record ToolBody
{
    /// <summary>function or custom.</summary>
    public required string Type { get; init; }
    public FunctionBody? Function { get; init; }
    public CustomToolBody? Custom { get; init; }
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
    public ToolFunction? Function { get; init; }

    /// <summary>Instead of function, where the tool is a custom one.</summary>
    public CustomCall? Custom { get; init; }

    /// <summary>What was called.</summary>
    internal string? Name => Custom is null ? Function?.Name : Custom.Name;
}

public sealed record ToolFunction
{
    public string? Name { get; init; }

    /// <summary>A JSON object's text; in a stream a part of it.</summary>
    public required string Arguments { get; init; }
}

/// <summary>none, auto, required, {"type": "function", "function": {"name": …}}, the same of custom, or {"type": "allowed_tools", "allowed_tools": {"mode": …, "tools": […]}}.</summary>
/// <param name="Mode">function for one of either kind.</param>
/// <param name="Allowed">The only tools that may be called; null: all.</param>
/// <param name="IsCustom">The one is a custom tool.</param>
[JsonConverter(typeof(ToolChoiceConverter))]
public sealed record ToolChoice(string Mode, string? Function = null, IReadOnlyList<string>? Allowed = null, bool IsCustom = false);

internal sealed class ToolChoiceConverter : JsonConverter<ToolChoice>
{
    private const string Function = "function", Custom = "custom";
    private const string Expected = "expected \"none\", \"auto\", \"required\", {\"type\": \"function\", \"function\": {\"name\": …}}, {\"type\": \"custom\", \"custom\": {\"name\": …}} or allowed_tools of those";

    public override ToolChoice Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        using var value = JsonDocument.ParseValue(ref reader);
        JsonElement choice = value.RootElement;
        if (choice.ValueKind == JsonValueKind.String && choice.GetString() is "none" or "auto" or "required") return new ToolChoice(choice.GetString()!);
        return (NameOf(choice) is { } name ? new ToolChoice("function", name, IsCustom: IsOf(choice, Custom)) : Restricted(choice)) ?? throw new JsonException(Expected);
    }

    private static ToolChoice? Restricted(JsonElement choice)
    {
        if (!IsOf(choice, "allowed_tools") || !choice.TryGetProperty("allowed_tools", out JsonElement allowed) || allowed.ValueKind != JsonValueKind.Object) return null;
        if (!allowed.TryGetProperty("mode", out JsonElement mode) || mode.ValueKind != JsonValueKind.String || mode.GetString() is not ("auto" or "required")) return null;
        if (!allowed.TryGetProperty("tools", out JsonElement tools) || tools.ValueKind != JsonValueKind.Array) return null;
        string?[] names = [.. tools.EnumerateArray().Select(NameOf)];
        return names.Length == 0 || names.Contains(null) ? null : new ToolChoice(mode.GetString()!, null, names!);
    }

    /// <summary>Of {"type": "function", "function": {"name": …}}, and of the same of custom.</summary>
    private static string? NameOf(JsonElement tool)
    {
        string kind = IsOf(tool, Custom) ? Custom : Function;
        return IsOf(tool, kind) && tool.TryGetProperty(kind, out JsonElement inner) && inner.ValueKind == JsonValueKind.Object
            && inner.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String ? name.GetString() : null;
    }

    private static bool IsOf(JsonElement tool, string kind) =>
        tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(kind);

    public override void Write(Utf8JsonWriter writer, ToolChoice value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value.Function is null ? value.Mode
            : value.IsCustom ? new { type = Custom, custom = new { name = value.Function } } : (object)new { type = Function, function = new { name = value.Function } }, options);
}
