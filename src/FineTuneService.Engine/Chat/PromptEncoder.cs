using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// Makes a request's tokens. Training makes its prompts with it too, so that a prompt has the same tokens in both.
/// </summary>
/// <param name="promptTemplate">What the adapter was trained with; it goes before the chat template.</param>
public sealed class PromptEncoder(Tokenizer tokenizer, ChatTemplate? chatTemplate, PromptTemplate? promptTemplate = null)
{
    /// <summary>
    /// Whether a conversation can be put to the model: it has a chat template, or the adapter a prompt template.
    /// </summary>
    public bool CanChat => chatTemplate is not null || promptTemplate is not null;

    /// <summary>The tokens up to where the assistant's next answer begins.</summary>
    /// <exception cref="ChatTemplateException">There is no template, or it refuses these messages.</exception>
    public int[] EncodeChat(IReadOnlyList<ChatMessage> messages)
    {
        if (messages.Count == 0) throw new ChatTemplateException("there are no messages.", 0);
        if (promptTemplate is not null) return EncodeText(promptTemplate.Render(messages));
        if (chatTemplate is null) throw new ChatTemplateException("the model has none.", 0);
        // The template writes the special tokens itself.
        return tokenizer.Encode(chatTemplate.Render(messages, addGenerationPrompt: true));
    }

    /// <summary>
    /// The tokens of a text to go on from, with those that the tokenizer puts around every text, such as the begin of the
    /// sequence.
    /// </summary>
    public int[] EncodeText(string prompt) => tokenizer.Encode(prompt, addSpecialTokens: true);
}
