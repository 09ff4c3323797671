using System.Text;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// Finds what the assistant says in a rendered conversation. Most templates lack <c>{% generation %}</c>; for those the
/// conversation is rendered once more with marks around the assistant's contents, and each turn's begin and end are learnt from
/// the last one: it begins where the prompt for an answer ends, and ends with what the template writes behind the last content.
/// That takes four renderings, however long the conversation.
/// </summary>
internal sealed class AssistantSpans(ChatTemplate template, IReadOnlyList<ChatMessage> messages)
{
    // Private-use characters, which no template knows.
    private const char Open = '\uE0F0', Close = '\uE0F1';

    private readonly ChatMessage[] _answers = [.. messages.Where(message => message.Role == "assistant")];
    private string _text = "", _prompt = "", _promptTail = "";

    public RenderedChat Find()
    {
        var rendered = template.Render(ChatTemplate.Json(messages), addGenerationPrompt: false);
        _text = rendered.Text;
        if (rendered.AssistantSpans.Count > 0) return rendered with { AssistantSpans = Weighted(rendered.AssistantSpans) };
        RenderPrompt();
        if (FindContents() is { } contents) return rendered with { AssistantSpans = Weighted(Turns(contents)) };
        if (_prompt.Length == 0 || !_text.StartsWith(_prompt, StringComparison.Ordinal))
            throw new ChatTemplateException("the assistant's words are not found in what it writes; mark them with {% generation %}.", 0);
        var last = _prompt.Length..Math.Max(_prompt.Length, _text.TrimEnd().Length);
        return rendered with { AssistantSpans = messages[^1].Weight == 0 ? [] : [last], OnlyLastAnswer = _answers.Length > 1 };
    }

    private IReadOnlyList<Range> Weighted(IReadOnlyList<Range> spans)
    {
        if (_answers.All(answer => answer.Weight != 0)) return spans;
        if (spans.Count != _answers.Length)
            throw new ChatTemplateException(
                $"it marks {spans.Count} places for {_answers.Length} assistant messages, so their weights cannot be told apart.", 0);
        return [.. spans.Where((_, i) => _answers[i].Weight != 0)];
    }

    /// <summary>The prompt of the last answer, as serving has it, and the part of it that asks for an answer.</summary>
    private void RenderPrompt()
    {
        var before = messages.SkipLast(1);
        _prompt = TryRender(before, addGenerationPrompt: true) ?? "";
        var unasked = TryRender(before, addGenerationPrompt: false);
        if (unasked is not null && _prompt.StartsWith(unasked, StringComparison.Ordinal)) _promptTail = _prompt[unasked.Length..];
    }

    /// <summary>Null where the template refuses a part of the conversation, though it takes the whole.</summary>
    private string? TryRender(IEnumerable<ChatMessage> part, bool addGenerationPrompt)
    {
        try
        {
            return template.Render(ChatTemplate.Json([.. part]), addGenerationPrompt).Text;
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    /// <summary>Where each assistant content stands, or null where marks change what the template writes.</summary>
    private List<(int Start, int End)>? FindContents()
    {
        var marked = TryRender(messages.Select(Mark), addGenerationPrompt: false) ?? "";
        var plain = new StringBuilder(_text.Length);
        var contents = new List<(int Start, int End)>();
        var start = -1;
        foreach (var c in marked)
        {
            if (c == Open && start < 0) start = plain.Length;
            else if (c == Close && start >= 0)
            {
                contents.Add((start, plain.Length));
                start = -1;
            }
            else plain.Append(c);
        }
        return contents.Count == _answers.Length && plain.Equals(_text) ? [.. contents.Zip(_answers, WithBlanksBehind)] : null;
    }

    /// <summary>Blanks at a content's ends stay outside the marks, since templates trim them.</summary>
    private static ChatMessage Mark(ChatMessage message)
    {
        if (message.Role != "assistant") return message;
        var (leading, content, trailing) = Parts(message.Content);
        return message with { Content = $"{leading}{Open}{content}{Close}{trailing}" };
    }

    private static (string Leading, string Content, string Trailing) Parts(string content)
    {
        var start = content.Length - content.TrimStart().Length;
        var trimmed = content.Trim();
        return (content[..start], trimmed, content[(start + trimmed.Length)..]);
    }

    /// <summary>Blanks before a content belong to the turn anyway: it begins where the prompt ends.</summary>
    private (int Start, int End) WithBlanksBehind((int Start, int End) content, ChatMessage answer)
    {
        var trailing = Parts(answer.Content).Trailing;
        return _text.AsSpan(content.End).StartsWith(trailing, StringComparison.Ordinal)
            ? (content.Start, content.End + trailing.Length) : content;
    }

    private List<Range> Turns(List<(int Start, int End)> contents)
    {
        var (lastStart, lastEnd) = contents[^1];
        // What the last turn has before and behind its content, such as an empty thought and the end-of-turn token.
        var hasPrompt = messages[^1].Role == "assistant"
            && _prompt.Length <= lastStart && _text.StartsWith(_prompt, StringComparison.Ordinal);
        var (lead, close) = (hasPrompt ? _text[_prompt.Length..lastStart] : "", _text[lastEnd..].TrimEnd());
        var spans = new List<Range>();
        var previous = 0;
        foreach (var (start, end) in contents)
        {
            var isLast = start == lastStart;
            var asked = _promptTail.Length == 0 ? -1 : _text.AsSpan(previous, start - previous).LastIndexOf(_promptTail);
            var begin = isLast && hasPrompt ? _prompt.Length
                : asked >= 0 ? previous + asked + _promptTail.Length
                : _text.AsSpan(previous, start - previous).EndsWith(lead, StringComparison.Ordinal) ? start - lead.Length : start;
            var finish = _text.AsSpan(end).StartsWith(close, StringComparison.Ordinal) ? end + close.Length : end;
            spans.Add(begin..finish);
            previous = finish;
        }
        return spans;
    }
}
