using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <summary>The prompt of a pair of answers that are written with it: what both begin with, as TRL's extract_prompt has it.</summary>
internal static class SharedPrompt
{
    /// <summary>A blank before the place where they part is the answers'; where one ends within the other, its last character is.</summary>
    public static (string Prompt, string Chosen, string Rejected) Of(string chosen, string rejected)
    {
        int shared = chosen.AsSpan().CommonPrefixLength(rejected);
        if (shared == Math.Min(chosen.Length, rejected.Length)) shared--;
        else if (shared > 0 && chosen[shared - 1] == ' ') shared--;
        // Not within a character: half of a surrogate pair is no text.
        if (shared > 0 && char.IsLowSurrogate(chosen[shared])) shared--;
        return (chosen[..shared], chosen[shared..], rejected[shared..]);
    }

    /// <summary>How many messages both begin with; each keeps one of its own.</summary>
    public static int Length(IReadOnlyList<ChatMessage> chosen, IReadOnlyList<ChatMessage> rejected)
    {
        int most = Math.Min(chosen.Count, rejected.Count) - 1;
        int shared = 0;
        while (shared < most && AreEqual(chosen[shared], rejected[shared])) shared++;
        return shared;
    }

    public static bool AreEqual(ChatMessage one, ChatMessage other) => JsonNode.DeepEquals(one.ToJson(), other.ToJson());
}
