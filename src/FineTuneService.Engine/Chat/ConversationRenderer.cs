using System.Text.Json.Nodes;

namespace FineTuneService.Engine.Chat;

/// <summary>Renders a conversation, its parts, and the conversation with marks in it.</summary>
internal sealed class ConversationRenderer(ChatTemplate template, IReadOnlyList<ChatMessage> messages, JsonArray? tools)
{
    private readonly JsonObject? _variables = ChatTemplate.Variables(tools);

    public IReadOnlyList<ChatMessage> Messages => messages;

    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    public RenderedChat Render() => template.Render(ChatTemplate.Json(messages), addGenerationPrompt: false, _variables);

    /// <summary>Null where the template refuses these messages, though it takes the whole conversation.</summary>
    public string? TryRender(IEnumerable<ChatMessage> part, bool addGenerationPrompt = false)
    {
        try
        {
            return template.Render(ChatTemplate.Json([.. part]), addGenerationPrompt, _variables).Text;
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    /// <summary>Where the contents of some messages stand in the rendered conversation, in its order.</summary>
    /// <param name="text">The rendered conversation.</param>
    /// <param name="marked">Whose contents are marked.</param>
    /// <returns>Null where marks change what the template writes.</returns>
    public List<ContentPlace>? Places(string text, Func<ChatMessage, bool> marked, Blanks leading, Blanks trailing)
    {
        var rendered = TryRender(messages.Select((message, i) => marked(message) ? ContentMarks.Mark(message, i, leading, trailing) : message)) ?? "";
        var (plain, contents) = ContentMarks.Read(rendered);
        return plain == text ? contents : null;
    }
}
