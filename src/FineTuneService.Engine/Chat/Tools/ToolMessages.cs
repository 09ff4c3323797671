using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat.Tools;

/// <summary>
/// Tools, calls and their results as plain text, for models whose template knows none: a system message that names the functions, and the
/// tags of <see cref="ToolConvention.Tagged"/>. The functions are told in full where there is room, and as names and parameters where not.
/// </summary>
internal static class ToolMessages
{
    /// <summary>Ways to tell of the functions, each shorter than the one before.</summary>
    public const int Forms = 3;

    public static IReadOnlyList<ChatMessage> Plain(IReadOnlyList<ChatMessage> messages, JsonArray? tools, int form = 0)
    {
        var plain = messages.Select(Plain).ToList();
        if (tools is not { Count: > 0 }) return plain;
        string text = form switch
        {
            0 => "You may call functions. Their signatures are:\n<tools>\n" + string.Join('\n', tools.Select(tool => tool!.ToJsonString()))
                + "\n</tools>\nTo call one, answer with its name and arguments:\n<tool_call>\n{\"name\": <name>, \"arguments\": <arguments>}\n</tool_call>",
            1 => $"Functions: {Signatures(tools)}\nCall one by <tool_call>{{\"name\": <name>, \"arguments\": <arguments>}}</tool_call>",
            _ => Signatures(tools),
        };
        if (plain is [{ Role: "system" } system, ..]) plain[0] = system with { Content = $"{system.Content}\n\n{text}" };
        else plain.Insert(0, new ChatMessage("system", text));
        return plain;
    }

    private static string Signatures(JsonArray tools) => string.Join("; ", tools.Select(tool =>
        $"{tool!["function"]!["name"]}({string.Join(", ", (tool["function"]!["parameters"]?["properties"] as JsonObject)?.Select(property => property.Key) ?? [])})"));

    private static ChatMessage Plain(ChatMessage message)
    {
        if (message.Role == "tool") return new ChatMessage("user", $"<tool_response>\n{message.Content}\n</tool_response>");
        if (message.Extra?["tool_calls"] is not JsonArray calls) return message;
        IEnumerable<string> texts = calls.Select(call => $"<tool_call>\n{{\"name\": {call!["function"]!["name"]!.ToJsonString()}, \"arguments\": {call["function"]!["arguments"]?.ToJsonString() ?? "{}"}}}\n</tool_call>");
        return new ChatMessage(message.Role, string.Join('\n', texts.Prepend(message.Content).Where(text => text.Length > 0)));
    }
}
