using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// Finds what the assistant says in a rendered conversation. Most templates lack <c>{% generation %}</c>; for those the
/// conversation is rendered once more with marks around the assistant's contents, and each turn's begin and end are learnt from
/// the last one: it begins where the prompt for an answer ends, and ends with what the template writes behind the last content.
/// That takes a handful of renderings, however long the conversation.
/// </summary>
internal sealed class AssistantSpans(ChatTemplate template, IReadOnlyList<ChatMessage> messages, JsonArray? tools)
{
    private readonly ConversationRenderer _renderer = new(template, messages, tools);
    private readonly ChatMessage[] _answers = [.. messages.Where(message => message.Role == "assistant")];

    public RenderedChat Find()
    {
        var rendered = _renderer.Render();
        if (rendered.AssistantSpans.Count > 0) return rendered with { AssistantSpans = Weighted(rendered.AssistantSpans, rendered.Text) };
        var prompt = _renderer.TryRender(messages.SkipLast(1), addGenerationPrompt: true) ?? "";
        // Calls stand beside a content, or instead of it: marks around contents do not show them.
        if (_answers.Any(answer => answer.HasCalls) && new PrefixTurns(_renderer, rendered.Text).Find() is { } byPrefix)
            return rendered with { AssistantSpans = [.. byPrefix.Where(turn => messages[turn.Message].Weight != 0).Select(turn => turn.Span)] };
        if (_answers.All(answer => !answer.HasCalls) && FindContents(rendered.Text) is { } contents)
        {
            var turns = new AnswerTurns(rendered.Text, messages[^1].Role == "assistant" ? prompt : "", PromptTail(prompt)).Of(contents);
            return rendered with { AssistantSpans = [.. turns.Where((_, i) => _answers[i].Weight != 0)] };
        }
        if (prompt.Length == 0 || !rendered.Text.StartsWith(prompt, StringComparison.Ordinal))
            throw new ChatTemplateException("the assistant's words are not found in what it writes; mark them with {% generation %}.", 0);
        var last = prompt.Length..Math.Max(prompt.Length, rendered.Text.TrimEnd().Length);
        return rendered with { AssistantSpans = messages[^1].Weight == 0 ? [] : [last], OnlyLastAnswer = _answers.Length > 1 };
    }

    /// <summary>The marked spans, but for those of answers of weight 0.</summary>
    private IReadOnlyList<Range> Weighted(IReadOnlyList<Range> spans, string text)
    {
        if (_answers.All(answer => answer.Weight != 0)) return spans;
        if (_answers.All(answer => answer.Weight == 0)) return [];
        if (Owners(spans, text) is not { } owners)
        {
            throw new ChatTemplateException(
                "whose words its {% generation %} blocks mark cannot be told, so answers of weight 0 cannot be left out; drop the weights, or the row.", 0);
        }
        return [.. spans.Where((_, i) => messages[owners[i]].Weight != 0)];
    }

    private IReadOnlyList<int>? Owners(IReadOnlyList<Range> spans, string text)
    {
        if (!_answers.Any(answer => answer.HasCalls)) return new SpanOwners(_renderer, text).Find(spans);
        return new PrefixTurns(_renderer, text).Find() is not { } turns ? null
            : [.. spans.Select(span => turns.LastOrDefault(turn => turn.Span.Start.Value <= span.Start.Value, turns[0]).Message)];
    }

    /// <summary>The part of the prompt that asks for an answer.</summary>
    private string PromptTail(string prompt)
    {
        var unasked = _renderer.TryRender(messages.SkipLast(1));
        return unasked is not null && prompt.StartsWith(unasked, StringComparison.Ordinal) ? prompt[unasked.Length..] : "";
    }

    /// <summary>
    /// Where each answer's content stands, or null where marks change what the template writes. Whether blanks at a content's ends are
    /// its own or the template's is seen by what the template does with them.
    /// </summary>
    private List<ContentPlace>? FindContents(string text)
    {
        if (_answers.All(answer => answer.Content.AsSpan().Trim().Length == answer.Content.Length)) return Answers(text, Blanks.Inside, Blanks.Inside);
        foreach (var leading in (Blanks[])[Blanks.Inside, Blanks.Removed])
        {
            foreach (var trailing in (Blanks[])[Blanks.Inside, Blanks.Removed])
                if (Answers(text, leading, trailing) is { } found) return found;
        }
        // Some are trimmed and some are not.
        return Answers(text, Blanks.Outside, Blanks.Outside) is { } contents ? [.. contents.Select(content => WithBlanksBehind(content, text))] : null;
    }

    private List<ContentPlace>? Answers(string text, Blanks leading, Blanks trailing)
    {
        var contents = _renderer.Places(text, message => message.Role == "assistant", leading, trailing);
        var answers = messages.Index().Where(message => message.Item.Role == "assistant").Select(message => message.Index);
        return contents is not null && contents.Select(content => content.Message).SequenceEqual(answers) ? contents : null;
    }

    private ContentPlace WithBlanksBehind(ContentPlace content, string text)
    {
        var behind = ContentMarks.Parts(messages[content.Message].Content).Behind;
        return text.AsSpan(content.End).StartsWith(behind, StringComparison.Ordinal) ? content with { End = content.End + behind.Length } : content;
    }
}
