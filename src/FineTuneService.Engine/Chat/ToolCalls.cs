using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// OpenAI's tools and tool calls as templates read them. Arguments come as a text that holds an object; templates write objects, and would
/// write such a text as a text within a text, so the object is what they get (as vLLM does).
/// </summary>
public static class ToolCalls
{
    /// <summary>Levels of nested values in arguments or tools.</summary>
    private const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <param name="calls">OpenAI's <c>tool_calls</c>, or one <c>function_call</c> of its older API.</param>
    /// <returns>The calls, or why they are none.</returns>
    public static (JsonArray? Calls, string? Problem) Read(JsonElement calls)
    {
        if (calls.ValueKind == JsonValueKind.Object) return Read([calls], isFunction: true);
        return calls.ValueKind == JsonValueKind.Array ? Read([.. calls.EnumerateArray()], isFunction: false) : (null, "'tool_calls' is not a list.");
    }

    private static (JsonArray?, string?) Read(JsonElement[] calls, bool isFunction)
    {
        var read = new JsonArray();
        foreach (JsonElement call in calls)
        {
            if (call.ValueKind != JsonValueKind.Object) return (null, "a tool call is not an object.");
            var copy = isFunction ? new JsonObject { ["type"] = "function", ["function"] = JsonCopy.Of(call) } : JsonCopy.Of(call)!.AsObject();
            copy["type"] ??= "function";
            if (!IsText(copy["type"], out var type) || type != "function") return (null, "a tool call is of another type than 'function'.");
            if (copy["function"] is not JsonObject function) return (null, "a tool call has no 'function'.");
            if (!IsText(function["name"], out var called) || called.Length == 0) return (null, "the function of a tool call has no 'name'.");
            if (Arguments(function["arguments"], out var arguments) is { } problem) return (null, problem);
            function["arguments"] = arguments;
            read.Add((JsonNode)copy);
        }
        return (read, null);
    }

    /// <summary>A list of tools, or a text that holds one, or a list of <c>functions</c> as OpenAI's older API has them.</summary>
    /// <returns>The tools, each with its type, or why they are none.</returns>
    public static (JsonArray? Tools, string? Problem) ReadTools(JsonElement tools)
    {
        JsonNode? list = JsonCopy.Of(tools);
        if (IsText(list, out var text) && Parse(text, out list) is { } broken) return (null, $"'tools' is a text that is {broken}.");
        if (list is not JsonArray array) return (null, "'tools' is not a list.");
        var read = new JsonArray();
        foreach (JsonNode? tool in array)
        {
            if (tool is not JsonObject one) return (null, "a tool is not an object.");
            JsonObject wrapped = one.ContainsKey("function") ? one.DeepClone().AsObject() : new JsonObject { ["type"] = "function", ["function"] = one.DeepClone() };
            if (wrapped["function"] is not JsonObject function || !IsText(function["name"], out var name) || name.Length == 0)
                return (null, "a tool's function has no 'name'.");
            read.Add((JsonNode)wrapped);
        }
        return (read, null);
    }

    /// <summary>The names of the functions that tools declare, or that calls call.</summary>
    internal static IEnumerable<string> Names(JsonArray tools) => tools.Select(tool => (string)tool!["function"]!["name"]!);

    private static string? Arguments(JsonNode? given, out JsonNode? arguments)
    {
        arguments = given;
        if (given is null) arguments = new JsonObject();
        else if (IsText(given, out var text))
        {
            if (text.Length == 0) arguments = new JsonObject(); // A call without arguments, as some models write it.
            else if (Parse(text, out arguments) is { } broken) return $"the arguments of a tool call are {broken}.";
        }
        else arguments = given.DeepClone();
        return arguments is JsonObject ? null : "the arguments of a tool call are not an object.";
    }

    private static string? Parse(string text, out JsonNode? node)
    {
        node = null;
        try
        {
            using var document = JsonDocument.Parse(text, Options);
            node = JsonCopy.Of(document.RootElement);
            return null;
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return "not JSON";
        }
    }

    private static bool IsText(JsonNode? node, out string text)
    {
        bool isText = node is JsonValue && node.GetValueKind() == JsonValueKind.String;
        text = isText ? node!.GetValue<string>() : "";
        return isText;
    }
}
