namespace FineTuneService.Engine.Chat;

/// <summary>
/// Finds answers by what the template writes of the conversation's beginnings: an answer begins where the prompt for it ends, and ends as
/// the conversation does that ends with it. It costs two renderings an answer, and fails where the template rewrites earlier turns.
/// </summary>
internal sealed class PrefixTurns(ConversationRenderer renderer, string text)
{
    /// <summary>Answers of the longest conversation that is looked at: the work grows with their number times the text's length.</summary>
    private const int MostAnswers = 256;

    /// <returns>Each answer's message and span, its end of turn included; null where a prompt is not what the whole text begins with.</returns>
    public IReadOnlyList<(int Message, Range Span)>? Find()
    {
        int[] answers = [.. renderer.Messages.Index().Where(message => message.Item.Role == "assistant").Select(message => message.Index)];
        if (answers.Length is 0 or > MostAnswers) return null;
        var turns = new List<(int, Range)>();
        foreach (int answer in answers)
        {
            if (renderer.TryRender(renderer.Messages.Take(answer), addGenerationPrompt: true) is not { } prompt || !text.StartsWith(prompt, StringComparison.Ordinal)) return null;
            var ended = renderer.TryRender(renderer.Messages.Take(answer + 1))?.TrimEnd();
            if (ended is null || !ended.StartsWith(prompt, StringComparison.Ordinal) || Length(ended.AsSpan(prompt.Length), text.AsSpan(prompt.Length)) is not { } length) return null;
            turns.Add((answer, prompt.Length..(prompt.Length + length)));
        }
        return turns;
    }

    /// <summary>How much of the text is the answer. A last answer may have more before its content, such as an empty thought (Qwen3).</summary>
    private static int? Length(ReadOnlySpan<char> answer, ReadOnlySpan<char> behindPrompt)
    {
        for (int lead = 0; lead < answer.Length; lead++)
            if (behindPrompt.StartsWith(answer[lead..], StringComparison.Ordinal)) return answer.Length - lead;
        return null;
    }
}
