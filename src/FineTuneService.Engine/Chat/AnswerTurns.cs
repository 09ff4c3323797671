namespace FineTuneService.Engine.Chat;

/// <summary>Makes turns of answers' contents: with what the template writes before a content (an empty thought) and behind it (the end of turn).</summary>
/// <param name="text">The rendered conversation.</param>
/// <param name="prompt">The prompt of the last answer, as serving has it; empty where the last message is no answer.</param>
/// <param name="promptTail">The part of it that asks for an answer.</param>
internal sealed class AnswerTurns(string text, string prompt, string promptTail)
{
    public List<Range> Of(List<ContentPlace> contents)
    {
        var (_, lastStart, lastEnd) = contents[^1];
        var hasPrompt = prompt.Length > 0 && prompt.Length <= lastStart && text.StartsWith(prompt, StringComparison.Ordinal);
        var (lead, close) = (hasPrompt ? text[prompt.Length..lastStart] : "", text[lastEnd..].TrimEnd());
        var spans = new List<Range>();
        var previous = 0;
        for (var i = 0; i < contents.Count; i++)
        {
            var (_, start, end) = contents[i];
            var isLast = i == contents.Count - 1;
            var before = text.AsSpan(previous, start - previous);
            var asked = promptTail.Length == 0 ? -1 : before.LastIndexOf(promptTail);
            var begin = isLast && hasPrompt ? prompt.Length
                : asked >= 0 ? previous + asked + promptTail.Length
                : before.EndsWith(lead, StringComparison.Ordinal) ? start - lead.Length : start;
            var finish = end + (isLast ? close.Length : Closing(close, text.AsSpan(end, contents[i + 1].Start - end)));
            spans.Add(begin..finish);
            previous = finish;
        }
        return spans;
    }

    /// <summary>
    /// How much behind an earlier answer closes its turn: what is behind the last answer too. A template may write more behind that, once
    /// the conversation is over, such as an end of text.
    /// </summary>
    private static int Closing(ReadOnlySpan<char> close, ReadOnlySpan<char> behind)
    {
        if (behind.StartsWith(close)) return close.Length;
        var common = close.CommonPrefixLength(behind);
        // Two marks may begin alike, such as <|im_start|> and <|endoftext|>, and two words.
        var mark = close[..common].LastIndexOfAny('<', '[');
        if (mark >= 0 && close[mark..common].IndexOfAny('>', ']') < 0) common = mark;
        while (common > 0 && char.IsLetterOrDigit(close[common - 1]) && GoesOn(close, common) | GoesOn(behind, common)) common--;
        return close[..common].TrimEnd().Length;
    }

    private static bool GoesOn(ReadOnlySpan<char> text, int at) => at < text.Length && char.IsLetterOrDigit(text[at]);
}
