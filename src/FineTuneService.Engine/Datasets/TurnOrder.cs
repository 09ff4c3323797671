using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Who speaks when in a conversation.</summary>
internal static class TurnOrder
{
    /// <summary>Refuses what teaches nothing, and warns of what some templates refuse.</summary>
    public static void Check(RowJson row, List<ChatMessage> messages)
    {
        if (messages.All(message => message.Role != "assistant")) throw row.Error("there is no assistant message to learn.");
        if (messages[^1].Role != "assistant")
            throw row.Error($"the last message is the {messages[^1].Role}'s: there is nothing to learn after it.");
        var turns = messages.SkipWhile(IsSystem).ToList();
        if (messages.Count - turns.Count > 1)
            row.Warn("more than one system message stands at the start; some chat templates refuse that, or take only one.");
        if (turns.Any(IsSystem)) row.Warn("a system message stands behind others; many chat templates refuse that.");
        if (turns[0].Role == "assistant")
            row.Warn("the conversation starts with the assistant; some chat templates refuse that.");
        if (turns.Zip(turns.Skip(1)).Any(pair => pair.First.Role == pair.Second.Role))
            row.Warn("two messages of one role follow each other; some chat templates refuse that.");
        if (messages.All(message => message.Role != "assistant" || message.Weight == 0))
            row.Warn("every assistant message has weight 0: the row teaches nothing.");
    }

    private static bool IsSystem(ChatMessage message) => message.Role == "system";
}
