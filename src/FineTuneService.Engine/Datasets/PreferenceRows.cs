using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Rows with two answers, of which one is preferred: TRL's <c>prompt</c>, <c>chosen</c>, <c>rejected</c> (texts, or lists of messages; without a
/// prompt it is what both begin with), LLaMA-Factory's <c>conversations</c>, <c>chosen</c>, <c>rejected</c> and <c>chosen_messages</c>,
/// <c>rejected_messages</c>, and OpenAI's <c>input</c>, <c>preferred_output</c>, <c>non_preferred_output</c>.
/// </summary>
internal static class PreferenceRows
{
    private static readonly (string Chosen, string Rejected)[] Spellings =
        [("chosen", "rejected"), ("chosen_messages", "rejected_messages"), ("preferred_output", "non_preferred_output")];

    public static bool Is(RowJson row) => Spellings.Any(spelling => row.Has(spelling.Chosen) || row.Has(spelling.Rejected));

    public static PreferenceRow Parse(RowJson row)
    {
        var (chosenKey, rejectedKey) = Spellings.First(spelling => row.Has(spelling.Chosen) || row.Has(spelling.Rejected));
        row.WarnOfUnknownKeys(row.Json, [chosenKey, rejectedKey, "prompt", "conversations", "input", "system", "tools"]);
        if (row.Has("instruction")) throw row.Error("'instruction' has no place in preference rows; write the whole prompt as 'prompt'.");
        JsonElement chosen = row.Require(chosenKey), rejected = row.Require(rejectedKey);
        if (chosen.ValueKind == JsonValueKind.String != (rejected.ValueKind == JsonValueKind.String))
            throw row.Error($"'{chosenKey}' is {RowJson.Kind(chosen)} and '{rejectedKey}' is {RowJson.Kind(rejected)}; both have to be texts, or both lists of messages.");
        return chosen.ValueKind == JsonValueKind.String ? OfTexts(row, chosenKey, rejectedKey) : OfMessages(row, chosenKey, chosen, rejectedKey, rejected);
    }

    private static PreferenceRow OfTexts(RowJson row, string chosenKey, string rejectedKey)
    {
        if (row.OptionalText("system").Length > 0) throw row.Error("'system' has no place beside a prompt that is a text; put it into the prompt, or write the row as messages.");
        string chosen = row.Text(chosenKey), rejected = row.Text(rejectedKey), prompt = row.OptionalText("prompt");
        foreach (var text in (string[])[prompt, chosen, rejected]) row.WarnOfText(text);
        if (chosen.Length == 0 || rejected.Length == 0) throw row.Error($"'{(chosen.Length == 0 ? chosenKey : rejectedKey)}' is empty.");
        if (chosen == rejected) throw NoPreference(row, chosenKey, rejectedKey);
        if (!row.Has("prompt"))
        {
            row.Warn(Extracted);
            (prompt, chosen, rejected) = SharedPrompt.Of(chosen, rejected);
        }
        else if (prompt.Length == 0) row.Warn("'prompt' is empty: the answers are compared by themselves.");
        return new PreferenceRow(row.Line, new CompletionRow(row.Line, prompt, chosen), new CompletionRow(row.Line, prompt, rejected));
    }

    private static PreferenceRow OfMessages(RowJson row, string chosenKey, JsonElement chosen, string rejectedKey, JsonElement rejected)
    {
        List<ChatMessage> wanted = Messages(row, chosen, chosenKey), other = Messages(row, rejected, rejectedKey);
        var (prompt, tools) = Prompt(row);
        // A prompt that is a text often stands beside answers that begin with it, as in UltraFeedback.
        bool isWithin = row.Has("prompt") && row.Json.GetProperty("prompt").ValueKind == JsonValueKind.String && wanted[0].Role != "assistant";
        if (prompt is null || isWithin)
        {
            if (!isWithin) row.Warn(Extracted);
            int shared = SharedPrompt.Length(wanted, other);
            (prompt, wanted, other) = (wanted[..shared], wanted[shared..], other[shared..]);
        }
        if (wanted.Count == other.Count && wanted.Zip(other).All(pair => SharedPrompt.AreEqual(pair.First, pair.Second))) throw NoPreference(row, chosenKey, rejectedKey);
        return new PreferenceRow(row.Line, Conversation(row, prompt, wanted, chosenKey, tools), Conversation(row, prompt, other, rejectedKey, tools));
    }

    private static ChatRow Conversation(RowJson row, List<ChatMessage> prompt, List<ChatMessage> answer, string key, JsonArray? tools)
    {
        if (answer.Count == 0 || answer[^1].Role != "assistant") throw row.Error($"the last message of '{key}' is not the assistant's.");
        List<ChatMessage> messages = [.. prompt.Select(message => message with { Weight = 0 }), .. answer];
        TurnOrder.Check(row, messages);
        ToolOrder.Check(row, messages, tools);
        return new ChatRow(row.Line, messages) { PromptMessages = prompt.Count, Tools = tools };
    }

    /// <summary>The messages before both answers; null where the row does not say them apart.</summary>
    private static (List<ChatMessage>? Messages, JsonArray? Tools) Prompt(RowJson row)
    {
        if (row.Has("input"))
        {
            RowJson input = row.Inside("input");
            input.WarnOfUnknownKeys(input.Json, ["messages", "tools", "parallel_tool_calls"]);
            return (ChatRows.WithSystem(row, ChatRows.Messages(row, input.Require("messages"), "messages")), ToolRows.Tools(input));
        }
        var tools = ToolRows.Tools(row);
        if (row.Has("conversations")) return (ChatRows.WithSystem(row, ShareGptRows.Messages(row, row.Require("conversations"), "conversations")), tools);
        if (!row.Has("prompt")) return (null, tools);
        JsonElement prompt = row.Require("prompt");
        if (prompt.ValueKind == JsonValueKind.String) return (ChatRows.WithSystem(row, [ChatMessage.Of("user", prompt.GetString()!)]), tools);
        return (ChatRows.WithSystem(row, ChatRows.Messages(row, prompt, "prompt")), tools);
    }

    private static List<ChatMessage> Messages(RowJson row, JsonElement answer, string key) =>
        ShareGptRows.Writes(answer) ? ShareGptRows.Messages(row, answer, key) : ChatRows.Messages(row, answer, key);

    private const string Extracted = "there is no 'prompt': it is what both answers begin with.";

    private static DatasetException NoPreference(RowJson row, string chosenKey, string rejectedKey) =>
        row.Error($"'{chosenKey}' and '{rejectedKey}' are equal: there is no preference.");
}
