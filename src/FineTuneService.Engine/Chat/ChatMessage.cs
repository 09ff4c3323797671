using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat;

/// <summary>One turn of a conversation, in OpenAI's shape.</summary>
/// <param name="Role">system, developer, user, assistant or tool.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>0 keeps an assistant message out of the loss; 1 or null trains on it (OpenAI's <c>weight</c>).</summary>
    public double? Weight { get; init; }

    /// <summary>Further keys that a template may read: tool_calls, name, reasoning_content …</summary>
    public JsonObject? Extra { get; init; }

    /// <summary>The object that a template sees.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["role"] = Role, ["content"] = Content };
        foreach (var (key, value) in Extra ?? []) json[key] = value?.DeepClone();
        return json;
    }
}
