using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>Makes the tokens and labels of one row; <see cref="RowEncoder"/>, which has the parameters' meanings, those of a file.</summary>
internal sealed class RowTokens(Tokenizer tokenizer, ChatTemplate? chatTemplate, int? endOfText, PromptTemplate? promptTemplate)
{
    private const string MergedBorder =
        "the end of the prompt and the start of the completion become one token; begin the completion with a blank or line feed.";

    private readonly PromptEncoder _prompts = new(tokenizer, chatTemplate);

    /// <exception cref="ChatTemplateException">The chat template is missing, or refuses the row.</exception>
    public TrainingRow Encode(DatasetRow row, WarningList warnings) => row switch
    {
        ChatRow chat when promptTemplate is not null => EncodeLastAnswer(chat, promptTemplate, warnings),
        ChatRow chat => EncodeChat(chat, warnings),
        CompletionRow completion => EncodeCompletion(row.Line, completion.Prompt, completion.Completion, warnings),
        AlpacaRow alpaca => EncodeCompletion(
            row.Line, (promptTemplate ?? PromptTemplate.Alpaca).Render(alpaca.Instruction, alpaca.Input), alpaca.Output, warnings),
        _ => throw new InvalidOperationException($"No encoding for {row.GetType().Name}."),
    };

    private TrainingRow EncodeChat(ChatRow row, WarningList warnings)
    {
        if (chatTemplate is null)
            throw new ChatTemplateException(
                "the base model has none, so it cannot learn from 'messages'; use prompt and completion, or another base.", 0);
        // The prompt's own answers are left out by place, so which spans are theirs need not be told.
        var chat = chatTemplate.RenderForTraining([.. row.Messages.Select((message, i) => i < row.PromptMessages ? message with { Weight = null } : message)]);
        if (chat.OnlyLastAnswer)
            warnings.Add(row.Line, "the chat template rewrites earlier turns: only the last answer is learnt.");
        var encoding = tokenizer.EncodeWithOffsets(chat.Text);
        int[] ids = [.. encoding.Ids], labels = SpanLabels.Of(encoding, chat);
        if (row.PromptMessages > 0)
        {
            var prompt = _prompts.EncodeChat([.. row.Messages.Take(row.PromptMessages)]);
            labels.AsSpan(0, ids.AsSpan().CommonPrefixLength(prompt)).Fill(TrainingRow.Ignored);
        }
        return new TrainingRow(ids, labels);
    }

    /// <summary>A prompt template knows one question: the last answer is what it is asked for.</summary>
    private TrainingRow EncodeLastAnswer(ChatRow row, PromptTemplate template, WarningList warnings)
    {
        if (row.Messages.Count == 1) throw new ChatTemplateException("there is no message before the answer to put into the prompt template.", 0);
        if (row.Messages.Count(message => message.Role == "assistant") > 1)
            warnings.Add(row.Line, $"the prompt template '{template.Name}' has room for one answer: only the last one counts.");
        ChatMessage answer = row.Messages[^1];
        TrainingRow encoded = EncodeCompletion(row.Line, template.Render([.. row.Messages.SkipLast(1)]), answer.Content, warnings);
        return answer.Weight == 0 ? encoded with { Labels = [.. encoded.Ids.Select(_ => TrainingRow.Ignored)] } : encoded;
    }

    /// <summary>
    /// Both texts are encoded as one, as the model will write them. Where tokens merge over the border, the completion starts at
    /// the first token that differs from the prompt's own (as in TRL).
    /// </summary>
    private TrainingRow EncodeCompletion(int line, string prompt, string completion, WarningList warnings)
    {
        var promptIds = _prompts.EncodeText(prompt);
        int[] ids = [.. _prompts.EncodeText(prompt + completion)];
        var border = ids.AsSpan().CommonPrefixLength(promptIds);
        if (border < promptIds.Length) warnings.Add(line, MergedBorder);
        if (endOfText is { } end && (ids.Length == 0 || ids[^1] != end)) ids = [.. ids, end];
        var labels = ids.ToArray();
        labels.AsSpan(0, border).Fill(TrainingRow.Ignored);
        return new TrainingRow(ids, labels);
    }
}
