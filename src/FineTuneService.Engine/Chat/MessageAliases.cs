using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// What apply_chat_template does to messages first: keys whose value is null go, and the names that templates have for
/// a message's reasoning are filled from each other; <c>reasoning</c> only gives.
/// </summary>
internal static class MessageAliases
{
    private static readonly string[] ReasoningNames = ["reasoning_content", "reasoning", "thinking"];

    public static JsonArray Apply(JsonArray messages) => [.. messages.Select(Apply)];

    private static JsonNode? Apply(JsonNode? message)
    {
        if (message is not JsonObject given) return message?.DeepClone();
        var result = new JsonObject();
        foreach (var (key, value) in given)
            if (value is not null) result[key] = value.DeepClone();
        var reasoning = ReasoningNames.Select(name => result[name]).FirstOrDefault(value => value is not null);
        if (reasoning is not null)
            foreach (var name in (string[])["reasoning_content", "thinking"])
                if (!result.ContainsKey(name)) result[name] = reasoning.DeepClone();
        return result;
    }
}
