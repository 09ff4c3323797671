using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with <c>messages</c>.</summary>
internal static class ChatRows
{
    /// <summary>Further keys of a message that go to the chat template as they are.</summary>
    private static readonly string[] Passed = ["reasoning_content", "reasoning", "thinking"];
    private static readonly string[] Known = ["role", "content", "weight", "name", .. Passed];

    public static ChatRow Parse(RowJson row)
    {
        RefuseTools(row);
        row.WarnOfUnknownKeys(row.Json, ["messages", "system"]);
        var messages = WithSystem(row, Messages(row, row.Require("messages"), "messages"));
        TurnOrder.Check(row, messages);
        return new ChatRow(row.Line, messages);
    }

    public static void RefuseTools(RowJson row)
    {
        if (row.Has("tools") || row.Has("functions")) throw row.Unsupported("the tools of chat rows");
    }

    /// <summary>The messages behind the row's own <c>system</c>, as Anthropic's rows have it.</summary>
    public static List<ChatMessage> WithSystem(RowJson row, List<ChatMessage> messages)
    {
        var system = row.OptionalText("system");
        if (system.Length == 0) return messages;
        if (messages[0].Role == "system") throw row.Error("there is a 'system' beside the messages and a system message among them; keep one.");
        row.WarnOfText(system);
        return [ChatMessage.Of("system", system), .. messages];
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
        if (RowJson.Value(json, "tool_calls") is not null || RowJson.Value(json, "function_call") is not null)
            throw row.Unsupported("the tool calls of chat rows");
        if (TextOf(json, "refusal") is { Length: > 0 }) throw row.Unsupported("the refusals of chat rows");
        row.WarnOfUnknownKeys(json, Known);
        var content = Content(row, json);
        row.WarnOfText(content);
        if (role == "assistant" && content.Length == 0)
            row.Warn("an assistant message is empty: only its end of turn is learnt.");
        else if (role == "assistant" && string.IsNullOrWhiteSpace(content)) row.Warn("an assistant message is only blanks.");
        return ChatMessage.Of(role, content, Name(row, json), Extra(json)) with { Weight = Weight(row, json, role) };
    }

    private static string Role(RowJson row, JsonElement message)
    {
        if (!message.TryGetProperty("role", out var role)) throw row.Error("a message has no 'role'.");
        if (role.ValueKind != JsonValueKind.String) throw row.Error($"'role' is {RowJson.Kind(role)}, not a text.");
        var name = role.GetString()!;
        if (name is "tool" or "function") throw row.Unsupported("the tool messages of chat rows");
        if (!ChatMessage.Roles.Contains(name))
            throw row.Error($"the role '{Clip.To(name, 40)}' is none of {string.Join(", ", ChatMessage.Roles)} (in lower case).");
        if (name == "developer") row.Warn("the role 'developer' is OpenAI's newer name for 'system', and read as that, here as in chat completions.");
        return name;
    }

    private static string? Name(RowJson row, JsonElement message) => RowJson.Value(message, "name") switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } name => name.GetString(),
        { } other => throw row.Error($"'name' is {RowJson.Kind(other)}, not a text."),
    };

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
            throw row.Error($"a part of 'content' is of the type '{Clip.To(type ?? "none", 40)}'; a text model learns only from 'text'.");
        return TextOf(part, "text") ?? throw row.Error("a text part has no 'text'.");
    }

    private static string? TextOf(JsonElement json, string key) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static double? Weight(RowJson row, JsonElement message, string role)
    {
        if (RowJson.Value(message, "weight") is not { } weight) return null;
        if (weight.ValueKind != JsonValueKind.Number || !weight.TryGetDouble(out var value) || value is not (0 or 1))
            throw row.Error($"'weight' is {Clip.To(weight.GetRawText(), 40)}; it must be 0 or 1.");
        if (weight.GetRawText().Contains('.')) row.Warn("'weight' is written with a point; it is 0 or 1.");
        if (role != "assistant") row.Warn("'weight' has no meaning on a message that is not the assistant's.");
        return value;
    }

    private static JsonObject? Extra(JsonElement message)
    {
        JsonObject? extra = null;
        foreach (var key in Passed)
            if (RowJson.Value(message, key) is { } value) (extra ??= [])[key] = JsonNode.Parse(value.GetRawText(), documentOptions: JsonLines.DocumentOptions);
        return extra;
    }
}
