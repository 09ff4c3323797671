using System.Text.Json;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Datasets;

/// <summary>One message of a row, in OpenAI's shape or in LLaMA-Factory's (a part's <c>value</c>, <c>loss_weight</c>).</summary>
internal static class MessageRows
{
    /// <summary>Further keys of a message that go to the chat template as they are.</summary>
    private static readonly string[] Passed = ["reasoning_content", "reasoning", "thinking"];
    private static readonly string[] Known = ["role", "content", "weight", "loss_weight", "name", "tool_calls", "function_call", "refusal", .. Passed];
    private static readonly string[] KnownOfTools = [.. Known, "tool_call_id"];

    /// <summary>A tool's answer is a message of training rows; requests get it with the tools.</summary>
    private static readonly string[] Roles = [.. ChatMessage.Roles, "tool"];

    public static ChatMessage Parse(RowJson row, JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) throw row.Error($"a message is {RowJson.Kind(json)}, not an object.");
        var role = Role(row, json);
        if (TextOf(json, "refusal") is { Length: > 0 }) throw row.Unsupported("the refusals of chat rows");
        row.WarnOfUnknownKeys(json, role == "tool" ? KnownOfTools : Known);
        var extra = Extra(row, json, role);
        var content = Content(row, json, mayLack: extra?["tool_calls"] is not null);
        row.WarnOfText(content);
        if (extra?["tool_calls"] is null) WarnOfContent(row, role, content);
        return ChatMessage.Of(role, content, Name(row, json), extra) with { Weight = Weight(row, json, role) };
    }

    public static void WarnOfContent(RowJson row, string role, string content)
    {
        if (role != "assistant") return;
        if (content.Length == 0) row.Warn("an assistant message is empty: only its end of turn is learnt.");
        else if (string.IsNullOrWhiteSpace(content)) row.Warn("an assistant message is only blanks.");
    }

    /// <summary>OpenAI's <c>weight</c>, or LLaMA-Factory's <c>loss_weight</c>, which is a number with a point and stands on every message.</summary>
    public static double? Weight(RowJson row, JsonElement message, string role)
    {
        var isLossWeight = RowJson.Value(message, "weight") is null;
        if ((isLossWeight ? RowJson.Value(message, "loss_weight") : RowJson.Value(message, "weight")) is not { } weight) return null;
        if (weight.ValueKind != JsonValueKind.Number || !weight.TryGetDouble(out var value) || value is not (0 or 1))
            throw row.Error($"'{(isLossWeight ? "loss_weight" : "weight")}' is {Clip.To(weight.GetRawText(), 40)}; it must be 0 or 1.");
        if (!isLossWeight && weight.GetRawText().Contains('.')) row.Warn("'weight' is written with a point; it is 0 or 1.");
        if (role != "assistant" && (!isLossWeight || value != 0)) row.Warn("'weight' has no meaning on a message that is not the assistant's.");
        return role == "assistant" ? value : null;
    }

    private static string Role(RowJson row, JsonElement message)
    {
        if (!message.TryGetProperty("role", out var role)) throw row.Error("a message has no 'role'.");
        if (role.ValueKind != JsonValueKind.String) throw row.Error($"'role' is {RowJson.Kind(role)}, not a text.");
        var name = role.GetString()!;
        if (name == "function") return "tool"; // The older API's name.
        if (!Roles.Contains(name)) throw row.Error($"the role '{Clip.To(name, 40)}' is none of {string.Join(", ", Roles)} (in lower case).");
        if (name == "developer") row.Warn("the role 'developer' is OpenAI's newer name for 'system', and read as that, here as in chat completions.");
        return name;
    }

    private static string? Name(RowJson row, JsonElement message) => RowJson.Value(message, "name") switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } name => name.GetString(),
        { } other => throw row.Error($"'name' is {RowJson.Kind(other)}, not a text."),
    };

    /// <param name="mayLack">A message that calls tools need not say anything. Templates then get an empty text: some look into it.</param>
    private static string Content(RowJson row, JsonElement message, bool mayLack)
    {
        if (mayLack && RowJson.Value(message, "content") is null) return "";
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
        return TextOf(part, "text") ?? TextOf(part, "value") ?? throw row.Error("a text part has no 'text'.");
    }

    private static string? TextOf(JsonElement json, string key) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString() : null;

    private static JsonObject? Extra(RowJson row, JsonElement message, string role)
    {
        JsonObject? extra = null;
        foreach (var key in Passed)
            if (RowJson.Value(message, key) is { } value) (extra ??= [])[key] = JsonCopy.Of(value);
        if (ToolRows.Calls(row, message) is { } calls) (extra ??= [])["tool_calls"] = calls;
        if (role == "tool" && RowJson.Value(message, "tool_call_id") is { } id)
            (extra ??= [])["tool_call_id"] = id.ValueKind == JsonValueKind.String ? id.GetString() : throw row.Error($"'tool_call_id' is {RowJson.Kind(id)}, not a text.");
        return extra;
    }
}
