using System.Text.Json;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Rows with <c>prompt</c> and <c>completion</c>: two texts, or two lists of messages (TRL's conversational form).
/// </summary>
internal static class CompletionRows
{
    public static DatasetRow Parse(RowJson row)
    {
        row.WarnOfUnknownKeys(row.Json, ["prompt", "completion", "system", "tools", "functions"]);
        if (row.Json.TryGetProperty("prompt", out var prompt) && prompt.ValueKind == JsonValueKind.Array
            && row.Json.TryGetProperty("completion", out var completion))
            return Conversation(row, prompt, completion);
        if (ToolRows.Tools(row) is not null) throw row.Error("'tools' have no place beside a prompt that is a text; write the row as messages.");
        if (row.OptionalText("system").Length > 0)
            throw row.Error("'system' has no place beside a prompt that is a text; put it into the prompt, or write the row as messages.");
        return Of(row, row.Text("prompt"), row.Text("completion"));
    }

    public static CompletionRow Of(RowJson row, string prompt, string completion)
    {
        if (completion.Length == 0) throw row.Error("'completion' is empty: there is nothing to learn.");
        if (prompt.Length == 0) row.Warn("'prompt' is empty: the completion is learnt by itself.");
        row.WarnOfText(prompt);
        row.WarnOfText(completion);
        return new CompletionRow(row.Line, prompt, completion);
    }

    /// <summary>A conversation of which only the completion's assistant messages are learnt.</summary>
    private static ChatRow Conversation(RowJson row, JsonElement prompt, JsonElement completion)
    {
        var before = ChatRows.WithSystem(row, ChatRows.Messages(row, prompt, "prompt"));
        var after = ChatRows.Messages(row, completion, "completion");
        if (after[^1].Role != "assistant") throw row.Error("the last message of 'completion' is not the assistant's.");
        List<ChatMessage> messages = [.. before.Select(message => message with { Weight = 0 }), .. after];
        var tools = ToolRows.Tools(row);
        TurnOrder.Check(row, messages);
        ToolOrder.Check(row, messages, tools);
        return new ChatRow(row.Line, messages) { PromptMessages = before.Count, Tools = tools };
    }
}
