using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>Whether tools' answers follow the calls that they answer.</summary>
internal static class ToolOrder
{
    /// <summary>Refuses an answer that nothing asked for, and warns of calls that nobody answers or that no tool declares.</summary>
    public static void Check(RowJson row, IReadOnlyList<ChatMessage> messages, JsonArray? tools)
    {
        var declared = ToolCalls.Names(tools ?? []).ToHashSet();
        var open = new List<string?>(); // The ids of the calls that wait for their answers; null where a call has none.
        foreach (var message in messages)
        {
            if (message.Role == "tool")
            {
                Answer(row, open, message.Extra?["tool_call_id"]?.ToString());
                continue;
            }
            if (open.Count > 0) row.Warn("a tool call has no answer.");
            open = [];
            if (!message.HasCalls) continue;
            var calls = message.Extra!["tool_calls"]!.AsArray();
            if (message.Role != "assistant") throw row.Error($"a message of the {message.Role}'s calls tools; only the assistant does.");
            if (ToolCalls.Names(calls).FirstOrDefault(name => !declared.Contains(name)) is { } unknown)
                row.Warn($"a function is called, '{Clip.To(unknown, 40)}', that the row's 'tools' do not declare.");
            open.AddRange(calls.Select(call => call!["id"]?.ToString()));
        }
    }

    private static void Answer(RowJson row, List<string?> open, string? id)
    {
        if (open.Count == 0) throw row.Error("a tool's message answers no call: no assistant message before it calls a tool.");
        // Without an id on either side, answers come in the order of their calls.
        int answered = id is null ? 0 : open.IndexOf(id);
        if (answered < 0) answered = open.IndexOf(null);
        if (answered < 0) throw row.Error($"'tool_call_id' is '{Clip.To(id!, 40)}', and no call before it that waits for an answer has that id.");
        open.RemoveAt(answered);
    }
}
