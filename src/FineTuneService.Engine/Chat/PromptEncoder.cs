using System.Text.Json.Nodes;
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

    /// <summary>The tokens up to where the assistant's next answer begins.</summary>
    /// <param name="tools">What the assistant may call, in OpenAI's shape.</param>
    /// <exception cref="ChatTemplateException">There is no template, or it refuses these messages.</exception>
    /// <exception cref="PromptTooLongException">The text cannot have so few tokens.</exception>
    public int[] EncodeChat(IReadOnlyList<ChatMessage> messages, JsonArray? tools = null)
    {
        if (messages.Count == 0) throw new ChatTemplateException("there are no messages.", 0);
        if (promptTemplate is not null) return EncodeText(promptTemplate.Render(messages));
        if (chatTemplate is null) throw new ChatTemplateException("the model has none.", 0);
        // The template writes the special tokens itself.
        return Encode(chatTemplate.Render(messages, addGenerationPrompt: true, tools), addSpecialTokens: false);
    }

    /// <summary>
    /// The tokens of a text to go on from, with those that the tokenizer puts around every text, such as the begin of the
    /// sequence.
    /// </summary>
    /// <exception cref="PromptTooLongException">The text cannot have so few tokens.</exception>
    public int[] EncodeText(string prompt) => Encode(prompt, addSpecialTokens: true);

    private int[] Encode(string text, bool addSpecialTokens)
    {
        int fewest = tokenizer.FewestTokens(text);
        return fewest > longest ? throw new PromptTooLongException(fewest) : tokenizer.Encode(text, addSpecialTokens);
    }
}
