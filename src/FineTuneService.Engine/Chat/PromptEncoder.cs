using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat.Tools;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// Makes a request's tokens. Training makes its prompts with it too, so that a prompt has the same tokens in both.
/// </summary>
/// <param name="promptTemplate">What the adapter was trained with; it goes before the chat template.</param>
/// <param name="longest">Tokens that a prompt may have: a text whose length alone says that it has more is refused before it is tokenised.</param>
public sealed class PromptEncoder(Tokenizer tokenizer, ChatTemplate? chatTemplate, PromptTemplate? promptTemplate = null, int longest = int.MaxValue)
{
    /// <summary>
    /// Whether a conversation can be put to the model: it has a chat template, or the adapter a prompt template.
    /// </summary>
    public bool CanChat => chatTemplate is not null || promptTemplate is not null;

    /// <summary>Texts that end an answer to a conversation, since the adapter was trained to write one behind each.</summary>
    public IReadOnlyList<string> Ends => promptTemplate?.Ends ?? [];

    /// <summary>How the model writes that a function is to be called.</summary>
    public ToolConvention Tools => promptTemplate is null && chatTemplate is not null && ToolConvention.TemplateKnowsTools(chatTemplate.Source) ? ToolConvention.Of(chatTemplate.Source) : ToolConvention.Tagged;

    /// <summary>The tokens up to where the assistant's next answer begins.</summary>
    /// <param name="tools">What the assistant may call, in OpenAI's shape.</param>
    /// <param name="begun">What the answer begins with.</param>
    /// <param name="room">Tokens that the answer needs: a template that has no place for tools is told of them as briefly as that takes.</param>
    /// <exception cref="ChatTemplateException">There is no template, or it refuses these messages.</exception>
    /// <exception cref="PromptTooLongException">The text cannot have so few tokens.</exception>
    public int[] EncodeChat(IReadOnlyList<ChatMessage> messages, JsonArray? tools = null, string begun = "", int room = 0)
    {
        if (messages.Count == 0) throw new ChatTemplateException("there are no messages.", 0);
        if (promptTemplate is null && chatTemplate is null) throw new ChatTemplateException("the model has none.", 0);
        if (promptTemplate is null && ToolConvention.TemplateKnowsTools(chatTemplate!.Source)) return Render(messages, tools, begun);
        int[] ids = [];
        for (int form = 0; form < ToolMessages.Forms; form++)
        {
            try
            {
                ids = Render(ToolMessages.Plain(messages, tools, form), null, begun);
                if (tools is null || ids.Length + room <= longest) return ids;
            }
            catch (PromptTooLongException) when (tools is not null && form + 1 < ToolMessages.Forms)
            {
                // A shorter form may fit.
            }
        }
        return ids;
    }

    /// <summary>The template writes the special tokens itself.</summary>
    private int[] Render(IReadOnlyList<ChatMessage> messages, JsonArray? tools, string begun) => promptTemplate is not null
        ? EncodeText(promptTemplate.Render(messages) + begun)
        : Encode(chatTemplate!.Render(messages, addGenerationPrompt: true, tools) + begun, addSpecialTokens: false);

    /// <summary>A conversation's text, as the template writes it; a model that was trained with a prompt template has that.</summary>
    /// <param name="addGenerationPrompt">Whether it ends where the assistant's next answer begins; a prompt template's always does.</param>
    /// <exception cref="ChatTemplateException">There is no template, or it refuses these messages.</exception>
    public string RenderChat(IReadOnlyList<ChatMessage> messages, JsonArray? tools = null, bool addGenerationPrompt = true)
    {
        if (messages.Count == 0) throw new ChatTemplateException("there are no messages.", 0);
        if (promptTemplate is not null) return promptTemplate.Render(ToolMessages.Plain(messages, tools, 0));
        if (chatTemplate is null) throw new ChatTemplateException("the model has none.", 0);
        return ToolConvention.TemplateKnowsTools(chatTemplate.Source)
            ? chatTemplate.Render(messages, addGenerationPrompt, tools) : chatTemplate.Render(ToolMessages.Plain(messages, tools, 0), addGenerationPrompt);
    }

    /// <summary>Whether a conversation's text still gets the tokens that stand around every text: a chat template writes them itself.</summary>
    public bool AddsSpecialTokens => promptTemplate is not null;

    /// <summary>The text that a prompt's tokens stand for.</summary>
    public string TextOf(ReadOnlySpan<int> ids) => tokenizer.Decode(ids);

    /// <summary>
    /// The tokens of a text to go on from, with those that the tokenizer puts around every text, such as the begin of the
    /// sequence.
    /// </summary>
    /// <exception cref="PromptTooLongException">The text cannot have so few tokens.</exception>
    public int[] EncodeText(string prompt, bool addSpecialTokens = true) => Encode(prompt, addSpecialTokens);

    private int[] Encode(string text, bool addSpecialTokens)
    {
        int fewest = tokenizer.FewestTokens(text);
        return fewest > longest ? throw new PromptTooLongException(fewest) : tokenizer.Encode(text, addSpecialTokens);
    }
}
