using System.Text.Json;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows with <c>messages</c>.</summary>
internal static class ChatRows
{
    public static ChatRow Parse(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["messages", "system", "tools", "functions", "parallel_tool_calls"]);
        var messages = WithSystem(row, Messages(row, row.Require("messages"), "messages"));
        var tools = ToolRows.Tools(row);
        TurnOrder.Check(row, messages);
        ToolOrder.Check(row, messages, tools);
        return new ChatRow(row.Line, messages) { Tools = tools };
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
        return [.. list.EnumerateArray().Select(message => MessageRows.Parse(row, message))];
    }
}
