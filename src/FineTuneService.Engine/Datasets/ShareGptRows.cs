using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with <c>conversations</c>, a list of {from, value}: the roles are renamed, and a function_call's value becomes the tool call that it holds.</summary>
internal static class ShareGptRows
{
    private static readonly Dictionary<string, string> Roles = new()
    {
        ["human"] = "user",
        ["user"] = "user",
        ["gpt"] = "assistant",
        ["assistant"] = "assistant",
        ["chatgpt"] = "assistant",
        ["model"] = "assistant",
        ["bot"] = "assistant",
        ["system"] = "system",
        ["observation"] = "tool",
        ["tool"] = "tool",
        ["function_response"] = "tool",
    };

    public static ChatRow Parse(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["conversations", "system", "tools", "id"]);
        var messages = ChatRows.WithSystem(row, Messages(row, row.Require("conversations"), "conversations"));
        TurnOrder.Check(row, messages);
        var tools = ToolRows.Tools(row);
        ToolOrder.Check(row, messages, tools);
        return new ChatRow(row.Line, messages) { Tools = tools };
    }

    /// <summary>Whether a list's messages, or a message, are written as ShareGPT has them.</summary>
    public static bool Writes(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.GetArrayLength() > 0 && Writes(value[0]),
        JsonValueKind.Object => value.TryGetProperty("from", out _) && !value.TryGetProperty("role", out _),
        _ => false,
    };

    /// <param name="list">A list of turns, or one alone.</param>
    public static List<ChatMessage> Messages(RowJson row, JsonElement list, string key)
    {
        if (list.ValueKind == JsonValueKind.Object) return [Turn(row, list)];
        if (list.ValueKind != JsonValueKind.Array) throw row.Error($"'{key}' is {RowJson.Kind(list)}, not a list.");
        if (list.GetArrayLength() == 0) throw row.Error($"'{key}' is empty.");
        return [.. list.EnumerateArray().Select(turn => Turn(row, turn))];
    }

    private static ChatMessage Turn(RowJson row, JsonElement turn)
    {
        if (turn.ValueKind != JsonValueKind.Object) throw row.Error($"a turn is {RowJson.Kind(turn)}, not an object.");
        row.WarnOfUnknownKeys(turn, ["from", "value", "weight"]);
        var (from, value) = (Text(row, turn, "from"), Text(row, turn, "value"));
        row.WarnOfText(value);
        if (from == "function_call") return ChatMessage.Of("assistant", "", extra: new JsonObject { ["tool_calls"] = ToolRows.Call(row, value) }) with { Weight = MessageRows.Weight(row, turn, "assistant") };
        if (!Roles.TryGetValue(from, out var role))
            throw row.Error($"'from' is '{Clip.To(from, 40)}', which is none of {string.Join(", ", Roles.Keys)}, function_call.");
        MessageRows.WarnOfContent(row, role, value);
        return ChatMessage.Of(role, value) with { Weight = MessageRows.Weight(row, turn, role) };
    }

    private static string Text(RowJson row, JsonElement turn, string key)
    {
        if (!turn.TryGetProperty(key, out var text)) throw row.Error($"a turn has no '{key}'.");
        return text.ValueKind == JsonValueKind.String ? text.GetString()! : throw row.Error($"'{key}' is {RowJson.Kind(text)}, not a text.");
    }
}
