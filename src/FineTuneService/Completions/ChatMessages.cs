using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>A request's messages as the template's.</summary>
internal static class ChatMessages
{
    private static readonly string[] Roles = [.. ChatMessage.Roles, "tool"];

    public static IResult? Read(IReadOnlyList<MessageBody> bodies, out ChatMessage[] messages)
    {
        messages = [];
        if (bodies.Count == 0) return Wrong("messages is empty; write at least one.");
        for (int i = 0; i < bodies.Count; i++)
        {
            if (bodies[i] is not { } body) return Wrong("messages holds a null; each is an object with role and content.");
            if (!Roles.Contains(body.Role)) return Wrong($"role '{Errors.Clip(body.Role)}' is not one of {string.Join(", ", Roles)}.");
            bool calls = body.ToolCalls is { Count: > 0 };
            if (calls && body.Role != "assistant") return Wrong($"messages[{i}] has tool_calls, and only an assistant's message may.");
            if (body.Content is null && body.Refusal is null && !calls) return Wrong($"messages[{i}] has no content; only an assistant's message that calls tools may be without.", "missing_required_parameter");
            if (body.Refusal is not null && body.Role != "assistant") return Wrong($"messages[{i}] has a refusal, and only an assistant's message may.");
            if (body.Role == "tool" && body.ToolCallId is null) return Wrong($"messages[{i}] is a tool's and has no tool_call_id: which call does it answer?", "missing_required_parameter");
            if (body.ToolCalls?.Any(call => call?.Name is null) == true) return Wrong($"messages[{i}] has a tool call without the name of a function or custom tool.");
        }
        messages = [.. bodies.Select(Message)];
        return null;
    }

    private static ChatMessage Message(MessageBody body)
    {
        JsonObject? extra = null;
        if (body.ToolCalls is { Count: > 0 } calls) extra = new JsonObject { ["tool_calls"] = new JsonArray([.. calls.Select(Call)]) };
        if (body.Role == "tool") extra = new JsonObject { ["tool_call_id"] = body.ToolCallId };
        return ChatMessage.Of(body.Role, body.Content ?? body.Refusal ?? "", body.Name, extra);
    }

    private static JsonObject Call(ToolCallBody call) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = Arguments(call.Custom is { } custom ? CustomTools.Arguments(custom.Input) : call.Function!.Arguments) },
    };

    /// <summary>Templates write them as JSON, so they are given the object; a text that is none stays one.</summary>
    private static JsonNode? Arguments(string text)
    {
        try
        {
            return JsonNode.Parse(text) is JsonObject arguments ? arguments : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    private static IResult Wrong(string message, string code = "invalid_value") => Errors.BadRequest(message, code, "messages");
}
