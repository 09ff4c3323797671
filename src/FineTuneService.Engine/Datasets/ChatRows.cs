using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with <c>messages</c>.</summary>
internal static class ChatRows
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant"];

    /// <summary>Keys of a message that go to the chat template as they are.</summary>
    private static readonly string[] Passed = ["name", "reasoning_content", "reasoning", "thinking"];
    private static readonly string[] Known = ["role", "content", "weight", .. Passed];

    public static ChatRow Parse(RowJson row)
    {
        if (row.Has("tools") || row.Has("functions")) throw row.Unsupported("the tools of chat rows");
        row.WarnOfUnknownKeys(row.Json, ["messages"]);
        var messages = Messages(row, row.Require("messages"), "messages");
        CheckOrder(row, messages);
        return new ChatRow(row.Line, messages);
    }

    /// <summary>A list of messages that is not empty.</summary>
    public static List<ChatMessage> Messages(RowJson row, JsonElement list, string key)
    {
        if (list.ValueKind != JsonValueKind.Array) throw row.Error($"'{key}' is {RowJson.Kind(list)}, not a list.");
        if (list.GetArrayLength() == 0) throw row.Error($"'{key}' is empty.");
        return [.. list.EnumerateArray().Select(message => Message(row, message))];
    }

    private static ChatMessage Message(RowJson row, JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) throw row.Error($"a message is {RowJson.Kind(json)}, not an object.");
        var role = Role(row, json);
        if (json.TryGetProperty("tool_calls", out _)) throw row.Unsupported("the tool calls of chat rows");
        row.WarnOfUnknownKeys(json, Known);
        var content = Content(row, json);
        row.WarnOfText(content);
        if (role == "assistant" && content.Length == 0)
            row.Warn("an assistant message is empty: only its end of turn is learnt.");
        else if (role == "assistant" && string.IsNullOrWhiteSpace(content)) row.Warn("an assistant message is only blanks.");
        return new ChatMessage(role, content) { Weight = Weight(row, json, role), Extra = Extra(json) };
    }

    private static string Role(RowJson row, JsonElement message)
    {
        if (!message.TryGetProperty("role", out var role)) throw row.Error("a message has no 'role'.");
        if (role.ValueKind != JsonValueKind.String) throw row.Error($"'role' is {RowJson.Kind(role)}, not a text.");
        var name = role.GetString()!;
        if (name is "tool" or "function") throw row.Unsupported("the tool messages of chat rows");
        if (!Roles.Contains(name)) throw row.Error($"the role '{name}' is none of {string.Join(", ", Roles)} (in lower case).");
        if (name == "developer") row.Warn("the role 'developer' is unknown to many chat templates; 'system' is the usual one.");
        return name;
    }

    private static string Content(RowJson row, JsonElement message)
    {
        if (!message.TryGetProperty("content", out var content)) throw row.Error("a message has no 'content'.");
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array when content.GetArrayLength() == 0 => throw row.Error("'content' is an empty list."),
            JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(part => Part(row, part))),
            _ => throw row.Error($"'content' is {RowJson.Kind(content)}, not a text."),
        };
    }

    private static string Part(RowJson row, JsonElement part)
    {
        var type = TextOf(part, "type");
        if (type != "text")
            throw row.Error($"a part of 'content' is of the type '{type ?? "none"}'; a text model learns only from 'text'.");
        return TextOf(part, "text") ?? throw row.Error("a text part has no 'text'.");
    }

    private static string? TextOf(JsonElement json, string key) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static double? Weight(RowJson row, JsonElement message, string role)
    {
        if (!message.TryGetProperty("weight", out var weight)) return null;
        if (weight.ValueKind != JsonValueKind.Number || !weight.TryGetDouble(out var value) || value is not (0 or 1))
            throw row.Error($"'weight' is {weight.GetRawText()}; it must be 0 or 1.");
        if (weight.GetRawText().Contains('.')) row.Warn("'weight' is written with a point; it is 0 or 1.");
        if (role != "assistant") row.Warn("'weight' has no meaning on a message that is not the assistant's.");
        return value;
    }

    private static JsonObject? Extra(JsonElement message)
    {
        JsonObject? extra = null;
        foreach (var key in Passed)
            if (message.TryGetProperty(key, out var value)) (extra ??= [])[key] = JsonNode.Parse(value.GetRawText());
        return extra;
    }

    private static void CheckOrder(RowJson row, List<ChatMessage> messages)
    {
        if (messages.All(message => message.Role != "assistant")) throw row.Error("there is no assistant message to learn.");
        if (messages[^1].Role != "assistant")
            throw row.Error($"the last message is the {messages[^1].Role}'s: there is nothing to learn after it.");
        var turns = messages.SkipWhile(message => message.Role is "system" or "developer").ToList();
        if (turns.Any(message => message.Role is "system" or "developer"))
            row.Warn("a system message stands behind others; many chat templates refuse that.");
        if (turns[0].Role == "assistant")
            row.Warn("the conversation starts with the assistant; some chat templates refuse that.");
        if (turns.Zip(turns.Skip(1)).Any(pair => pair.First.Role == pair.Second.Role))
            row.Warn("two messages of one role follow each other; some chat templates refuse that.");
        if (messages.All(message => message.Role != "assistant" || message.Weight == 0))
            row.Warn("every assistant message has weight 0: the row teaches nothing.");
    }
}
