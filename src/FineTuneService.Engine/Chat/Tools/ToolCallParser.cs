using System.Text.Json;

namespace FineTuneService.Engine.Chat.Tools;

/// <summary>
/// Finds calls in a model's answer. It is read by the convention of the model's template, and where that finds none, by the others: models
/// mix what they have learned. What is no call of a function that there is stays text.
/// </summary>
/// <param name="functions">Names of those that there are.</param>
public sealed class ToolCallParser(IReadOnlyCollection<string> functions)
{
    private const string Tag = "<tool_call>", EndTag = "</tool_call>", Mark = "[TOOL_CALLS]", PythonTag = "<|python_tag|>";

    private static readonly string[] ArgumentKeys = ["arguments", "parameters"];

    /// <summary>The answer's text without its calls, and the calls.</summary>
    public (string Text, IReadOnlyList<ToolCall> Calls) Parse(string answer)
    {
        var calls = new List<ToolCall>();
        int tag = answer.IndexOf(Tag, StringComparison.Ordinal);
        if (tag >= 0)
        {
            for (int at = tag; at >= 0; at = answer.IndexOf(Tag, at + Tag.Length, StringComparison.Ordinal))
            {
                int end = answer.IndexOf(EndTag, at, StringComparison.Ordinal);
                calls.AddRange(Read(answer[(at + Tag.Length)..(end < 0 ? answer.Length : end)]));
            }
            if (calls.Count > 0) return (answer[..tag].TrimEnd(), calls);
        }
        int mark = answer.IndexOf(Mark, StringComparison.Ordinal), python = answer.IndexOf(PythonTag, StringComparison.Ordinal);
        int from = mark >= 0 ? mark + Mark.Length : python >= 0 ? python + PythonTag.Length : 0;
        string before = mark >= 0 ? answer[..mark] : python >= 0 ? answer[..python] : "";
        calls.AddRange(Read(answer[from..]));
        return calls.Count > 0 ? (before.TrimEnd(), calls) : (answer, calls);
    }

    /// <summary>How much of an answer under way is certain to be text: what may begin a call is held back.</summary>
    public static int TextLength(string answer)
    {
        string trimmed = answer.TrimStart();
        if (trimmed.Length == 0 || trimmed[0] is '{' or '[') return 0;
        int certain = answer.Length;
        foreach (string marker in (string[])[Tag, Mark, PythonTag])
        {
            int at = answer.IndexOf(marker, StringComparison.Ordinal);
            for (int length = Math.Min(marker.Length - 1, answer.Length); at < 0 && length > 0; length--)
            {
                if (answer.AsSpan().EndsWith(marker.AsSpan(0, length))) at = answer.Length - length;
            }
            if (at >= 0) certain = Math.Min(certain, at);
        }
        // White space before a call goes with it.
        while (certain > 0 && char.IsWhiteSpace(answer[certain - 1])) certain--;
        return certain;
    }

    /// <summary>Calls that a piece of text consists of: one or more JSON objects, or arrays of them, white space and semicolons between.</summary>
    private List<ToolCall> Read(string text)
    {
        var calls = new List<ToolCall>();
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(text);
        for (int at = 0; at < bytes.Length;)
        {
            if (bytes[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)';')
            {
                at++;
                continue;
            }
            var reader = new Utf8JsonReader(bytes.AsSpan(at), isFinalBlock: true, default);
            try
            {
                using JsonDocument value = JsonDocument.ParseValue(ref reader);
                IEnumerable<JsonElement> all = value.RootElement.ValueKind == JsonValueKind.Array ? value.RootElement.EnumerateArray() : [value.RootElement];
                foreach (JsonElement one in all)
                {
                    if (Call(one) is not { } call) return [];
                    calls.Add(call);
                }
                at += (int)reader.BytesConsumed;
            }
            catch (JsonException)
            {
                return [];
            }
        }
        return calls;
    }

    private ToolCall? Call(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) return null;
        if (value.TryGetProperty("function", out JsonElement inner) && inner.ValueKind == JsonValueKind.Object) value = inner;
        if (!value.TryGetProperty("name", out JsonElement name) || name.ValueKind != JsonValueKind.String || !functions.Contains(name.GetString()!)) return null;
        foreach (string key in ArgumentKeys)
        {
            if (!value.TryGetProperty(key, out JsonElement arguments)) continue;
            if (arguments.ValueKind == JsonValueKind.Object) return new ToolCall(name.GetString()!, arguments.GetRawText());
            if (arguments.ValueKind == JsonValueKind.String && IsObject(arguments.GetString()!)) return new ToolCall(name.GetString()!, arguments.GetString()!);
            return null;
        }
        return new ToolCall(name.GetString()!, "{}");
    }

    private static bool IsObject(string text)
    {
        try
        {
            using JsonDocument value = JsonDocument.Parse(text);
            return value.RootElement.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
