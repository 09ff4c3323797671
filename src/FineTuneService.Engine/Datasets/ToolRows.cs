using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>What a row says of tools: which there are, and the calls of its messages.</summary>
internal static class ToolRows
{
    /// <summary>The row's <c>tools</c>, or its <c>functions</c> as OpenAI's older API has them; null where there are none.</summary>
    public static JsonArray? Tools(RowJson row)
    {
        if (RowJson.Value(row.Json, "tools") is not { } given)
        {
            if (RowJson.Value(row.Json, "functions") is not { } functions) return null;
            given = functions;
        }
        // ShareGPT's files write a row without tools as an empty text, or as one that holds an empty list.
        if (given.ValueKind == JsonValueKind.String && given.ValueEquals(""u8)) return null;
        var (tools, problem) = ToolCalls.ReadTools(given);
        if (problem is not null) throw row.Error(problem);
        return tools!.Count == 0 ? null : tools;
    }

    /// <summary>A message's <c>tool_calls</c>, or its older <c>function_call</c>; null where it has none.</summary>
    public static JsonArray? Calls(RowJson row, JsonElement message)
    {
        if (RowJson.Value(message, "tool_calls") is { } calls) return Read(row, calls.ValueKind == JsonValueKind.Array ? calls : throw row.Error($"'tool_calls' is {RowJson.Kind(calls)}, not a list."));
        return RowJson.Value(message, "function_call") is { } call ? Read(row, call.ValueKind == JsonValueKind.Object ? call : throw row.Error($"'function_call' is {RowJson.Kind(call)}, not an object.")) : null;
    }

    /// <summary>The call that a text holds: {"name", "arguments"}.</summary>
    public static JsonArray Call(RowJson row, string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object ? Read(row, document.RootElement)
                : throw row.Error($"the value of a function_call is {RowJson.Kind(document.RootElement)}, not an object.");
        }
        catch (JsonException)
        {
            throw row.Error("the value of a function_call is not JSON.");
        }
    }

    private static JsonArray Read(RowJson row, JsonElement calls)
    {
        try
        {
            var (read, problem) = ToolCalls.Read(calls);
            return read ?? throw row.Error(problem!);
        }
        catch (InvalidOperationException)
        {
            throw row.Error("a text holds half of a surrogate pair (such as \\ud800 alone), which is not Unicode.");
        }
    }
}
