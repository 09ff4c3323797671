using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat;

/// <summary>One turn of a conversation, in OpenAI's shape.</summary>
/// <param name="Role">system, developer, user, assistant or tool.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>The roles that a message of training and of serving may have.</summary>
    public static IReadOnlyList<string> Roles { get; } = ["system", "developer", "user", "assistant"];

    /// <summary>
    /// A message as it comes, in a training row or in a request: both make theirs here, so that the same messages make the same prompt.
    /// </summary>
    /// <param name="role">One of <see cref="Roles"/>; a developer's message is OpenAI's newer name for a system message.</param>
    /// <param name="name">Goes to the template, which may pass it over.</param>
    public static ChatMessage Of(string role, string content, string? name = null, JsonObject? extra = null)
    {
        if (name is not null) (extra ??= [])["name"] = name;
        return new ChatMessage(role == "developer" ? "system" : role, content) { Extra = extra };
    }

    /// <summary>0 keeps an assistant message out of the loss; 1 or null trains on it (OpenAI's <c>weight</c>).</summary>
    public double? Weight { get; init; }

    /// <summary>Further keys that a template may read: tool_calls, name, reasoning_content …</summary>
    public JsonObject? Extra { get; init; }

    /// <summary>Whether it calls tools: then its content may be empty.</summary>
    public bool HasCalls => Extra?["tool_calls"] is JsonArray { Count: > 0 };

    /// <summary>The object that a template sees.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject { ["role"] = Role, ["content"] = Content };
        foreach (var (key, value) in Extra ?? []) json[key] = value?.DeepClone();
        return json;
    }
}
