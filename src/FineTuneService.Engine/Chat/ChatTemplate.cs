using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat.Jinja;

namespace FineTuneService.Engine.Chat;

/// <summary>
/// A model's Jinja template that turns a conversation into the text it was trained on, rendered as transformers'
/// apply_chat_template does.
/// </summary>
public sealed class ChatTemplate
{
    private readonly Template _template;
    private readonly IReadOnlyDictionary<string, string> _specialTokens;

    private ChatTemplate(string source, IReadOnlyDictionary<string, string> specialTokens)
    {
        if (source.Length > MaxSource) throw new ChatTemplateException($"longer than {MaxSource} characters.", 0);
        Source = source;
        _specialTokens = specialTokens;
        _template = Parser.Parse(source);
    }

    /// <summary>Characters of the longest template accepted; the longest in the field has 20,000.</summary>
    private const int MaxSource = 1 << 17;

    public string Source { get; }

    /// <summary>What <c>strftime_now</c> reads.</summary>
    private TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <exception cref="ChatTemplateException">The text is not a template that this interpreter knows.</exception>
    public static ChatTemplate Parse(string source, string? bosToken, string? eosToken)
    {
        var tokens = new Dictionary<string, string>();
        if (bosToken is not null) tokens["bos_token"] = bosToken;
        if (eosToken is not null) tokens["eos_token"] = eosToken;
        return new ChatTemplate(source, tokens);
    }

    /// <summary>The same special tokens with another template, such as the one that an adapter was trained with.</summary>
    public ChatTemplate WithSource(string source, TimeProvider? clock = null) =>
        new(source, _specialTokens) { Clock = clock ?? Clock };

    /// <summary>
    /// Reads a model folder: chat_template.jinja, or <c>chat_template</c> in tokenizer_config.json (a text, or a list of named
    /// ones of which <c>default</c> is taken).
    /// </summary>
    /// <returns>Null where the model has no template.</returns>
    /// <exception cref="ChatTemplateException">The template cannot be read.</exception>
    public static ChatTemplate? Load(string folder) =>
        ChatTemplateFiles.Source(folder) is { } source ? new ChatTemplate(source, ChatTemplateFiles.SpecialTokens(folder)) : null;

    /// <summary>
    /// The template of an adapter's own folder, with the special tokens that its tokenizer_config.json names and, for those that it
    /// does not, the base's.
    /// </summary>
    /// <param name="baseFolder">Null where the base was not loaded from one.</param>
    /// <returns>Null where the adapter brings no template.</returns>
    /// <exception cref="ChatTemplateException">The template cannot be read.</exception>
    internal static ChatTemplate? LoadAdapters(string folder, string? baseFolder)
    {
        if (ChatTemplateFiles.Source(folder) is not { } source) return null;
        var tokens = baseFolder is null ? [] : new Dictionary<string, string>(ChatTemplateFiles.SpecialTokens(baseFolder));
        foreach (var (name, text) in ChatTemplateFiles.SpecialTokens(folder)) tokens[name] = text;
        return new ChatTemplate(source, tokens);
    }

    /// <inheritdoc cref="AdapterChatTemplate.Parse"/>
    internal static ChatTemplate ForBase(string source, string baseFolder) => new(source, ChatTemplateFiles.SpecialTokens(baseFolder));

    /// <summary>
    /// The conversation as text; with <paramref name="addGenerationPrompt"/> it ends where the assistant's next answer begins.
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses these messages.</exception>
    /// <param name="tools">What the assistant may call, in OpenAI's shape; null: nothing.</param>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = false, JsonArray? tools = null) =>
        Render(Json(messages), addGenerationPrompt, Variables(tools)).Text;

    /// <summary>
    /// The conversation with the places of the assistant's words: what <c>{% generation %}</c> marks, or else what is found by
    /// rendering. Messages of weight 0 have no place.
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses these messages, or hides where the assistant
    /// speaks.</exception>
    public RenderedChat RenderForTraining(IReadOnlyList<ChatMessage> messages, JsonArray? tools = null) => new AssistantSpans(this, messages, tools).Find();

    /// <summary>
    /// The conversation up to the end of its last message's text, for the model to go on with (transformers'
    /// continue_final_message).
    /// </summary>
    /// <exception cref="ChatTemplateException">The template refuses the messages, or does not show the last one.</exception>
    public string RenderUnfinished(IReadOnlyList<ChatMessage> messages) => RenderUnfinished(Json(messages));

    internal string RenderUnfinished(JsonArray messages, JsonObject? variables = null)
    {
        // The mark shows where the template puts the message's end, and whether it keeps blanks there.
        const string mark = "CONTINUE_FINAL_MESSAGE_TAG";
        var marked = messages.DeepClone().AsArray();
        var last = marked.Count > 0 ? marked[^1] as JsonObject : null;
        var holder = last?["content"] is JsonArray parts
            ? parts.OfType<JsonObject>().LastOrDefault(part => part.ContainsKey("text")) : last;
        var key = ReferenceEquals(holder, last) ? "content" : "text";
        if (holder?[key] is not JsonValue value || !value.TryGetValue<string>(out var content))
            throw new ChatTemplateException("the last message has no text to go on with.", 0);
        holder[key] = content + mark + " ";
        var text = Render(marked, addGenerationPrompt: false, variables).Text;
        var end = text.LastIndexOf(mark, StringComparison.Ordinal);
        if (end < 0) throw new ChatTemplateException("the last message does not appear in the rendered text.", 0);
        var keepsBlanks = end + mark.Length < text.Length && text[end + mark.Length] == ' ';
        return keepsBlanks ? text[..end] : text[..end].TrimEnd();
    }

    /// <param name="variables">Further variables of the template: tools, documents, enable_thinking …</param>
    internal RenderedChat Render(JsonArray messages, bool addGenerationPrompt, JsonObject? variables = null)
    {
        if (messages.Count == 0) throw new ChatTemplateException("there are no messages.", 0);
        var all = new Dictionary<string, JsonNode?>
        {
            ["messages"] = MessageAliases.Apply(messages),
            ["add_generation_prompt"] = addGenerationPrompt,
            ["tools"] = null,
            ["documents"] = null,
        };
        foreach (var (name, text) in _specialTokens) all[name] = text;
        foreach (var (name, value) in variables ?? []) all[name] = value;
        var (rendered, generated) = Renderer.Render(_template, all, Clock);
        return new RenderedChat(rendered, generated);
    }

    internal static JsonObject? Variables(JsonArray? tools) => tools is null ? null : new JsonObject { ["tools"] = tools.DeepClone() };

    internal static JsonArray Json(IReadOnlyList<ChatMessage> messages) => [.. messages.Select(message => message.ToJson())];
}
