namespace FineTuneService.Engine.Chat;

/// <summary>A conversation as text.</summary>
/// <param name="AssistantSpans">Ranges of <paramref name="Text"/> (UTF-16) that the assistant says, in order, its end of turn
/// included.</param>
public sealed record RenderedChat(string Text, IReadOnlyList<Range> AssistantSpans)
{
    /// <summary>The template rewrites earlier turns, so only the last answer could be found.</summary>
    public bool OnlyLastAnswer { get; init; }
}
