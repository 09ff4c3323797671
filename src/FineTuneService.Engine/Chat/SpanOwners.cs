namespace FineTuneService.Engine.Chat;

/// <summary>
/// Says whose words a template's <c>{% generation %}</c> blocks are, by their place between the messages' contents: a message may have
/// several blocks or none, and one behind the conversation is the last answer's.
/// </summary>
internal sealed class SpanOwners(ConversationRenderer renderer, string text)
{
    /// <summary>Renderings for blocks between two answers without a question between them; each costs a pass over the conversation.</summary>
    private const int MostPrefixes = 64;

    private readonly Dictionary<int, int> _prefixes = [];

    /// <summary>The number of the message that says each span, or null where that cannot be told.</summary>
    public IReadOnlyList<int>? Find(IReadOnlyList<Range> spans)
    {
        if (Contents() is not { } contents) return null;
        var owners = new List<int>();
        var next = 0; // The first content that ends behind the span's start.
        foreach (var span in spans)
        {
            while (next < contents.Count && contents[next].End <= span.Start.Value) next++;
            if (Owner(span, contents, next) is not { } owner) return null;
            owners.Add(owner);
        }
        return owners;
    }

    private int? Owner(Range span, List<ContentPlace> contents, int next)
    {
        int? before = next > 0 && IsAnswer(contents[next - 1]) ? contents[next - 1].Message : null;
        int? behind = next < contents.Count && IsAnswer(contents[next]) ? contents[next].Message : null;
        var covered = contents.Skip(next).TakeWhile(content => content.Start < span.End.Value).Where(IsAnswer).ToList();
        if (covered.Count > 0) return covered.Count == 1 ? covered[0].Message : null;
        if (before is null || behind is null || before == behind) return before ?? behind;
        // Between two answers: what is written already when the first of them is the last message is its own.
        return Prefix(behind.Value) is not { } written ? null : span.Start.Value < written ? before : behind;
    }

    private bool IsAnswer(ContentPlace content) => renderer.Messages[content.Message].Role == "assistant";

    /// <summary>All contents' places. Some templates look into what users say, so a second try marks only the answers.</summary>
    private List<ContentPlace>? Contents() =>
        renderer.Places(text, message => message.Role is "user" or "assistant", Blanks.Inside, Blanks.Inside)
        ?? renderer.Places(text, message => message.Role is "user" or "assistant", Blanks.Outside, Blanks.Outside)
        ?? renderer.Places(text, message => message.Role == "assistant", Blanks.Outside, Blanks.Outside);

    /// <summary>Characters that the first so many messages give by themselves, and the whole conversation too.</summary>
    private int? Prefix(int messages)
    {
        if (_prefixes.TryGetValue(messages, out var known)) return known;
        if (_prefixes.Count == MostPrefixes || renderer.TryRender(renderer.Messages.Take(messages)) is not { } alone) return null;
        return _prefixes[messages] = text.AsSpan().CommonPrefixLength(alone);
    }
}
