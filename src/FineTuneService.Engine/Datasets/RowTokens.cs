using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>Makes the tokens and labels of one row; <see cref="RowEncoder"/>, which has the parameters' meanings, those of a file.</summary>
/// <param name="longest">Tokens that are kept of a row: the others need not be encoded.</param>
/// <param name="truncation">Which end of it is kept.</param>
internal sealed class RowTokens(Tokenizer tokenizer, ChatTemplate? chatTemplate, int? endOfText, PromptTemplate? promptTemplate, int longest, Truncation truncation)
{
    private const string MergedBorder =
        "the end of the prompt and the start of the completion become one token; begin the completion with a blank or line feed.";

    private readonly KeptTokens _kept = new(tokenizer, longest, truncation);

    public LossOn LossOn { get; set; } = LossOn.Answers;

    /// <summary>Whether rows have to be pairs of answers, or may not be.</summary>
    public bool Pairs { get; set; }

    /// <exception cref="ChatTemplateException">The chat template is missing, or refuses the row.</exception>
    /// <exception cref="DatasetException">Rows of this format are not trained on in this way.</exception>
    public TrainingRow Encode(DatasetRow row, WarningList warnings) => row switch
    {
        // Of a pair, all of each answer counts, as in TRL.
        PreferenceRow pair when Pairs => EncodeOne(pair.Chosen, LossOn.Completion, warnings) with { Rejected = EncodeOne(pair.Rejected, LossOn.Completion, warnings) },
        PreferenceRow => throw new DatasetException(row.Line, "preference rows (two answers to a prompt) are trained on with method dpo; supervised training takes one answer a row."),
        LabelledRow => throw new DatasetException(row.Line, "labelled rows (KTO) are not trained on: keep those whose label is true, without the label, or pair wanted and unwanted answers as 'chosen' and 'rejected'."),
        _ when Pairs => throw new DatasetException(row.Line, "method dpo trains on pairs: a row needs 'prompt', 'chosen' and 'rejected'."),
        _ => EncodeOne(row, LossOn, warnings),
    };

    private TrainingRow EncodeOne(DatasetRow row, LossOn lossOn, WarningList warnings) => row switch
    {
        ChatRow chat when promptTemplate is not null => EncodeLastAnswer(chat, promptTemplate, warnings),
        ChatRow chat => EncodeChat(chat, lossOn, warnings),
        CompletionRow completion => EncodeCompletion(row.Line, completion.Prompt, completion.Completion, lossOn, warnings),
        AlpacaRow alpaca => EncodeAlpaca(alpaca, promptTemplate ?? alpaca.Prompt, warnings),
        TextRow text => EncodeText(text.Text),
        _ => throw new InvalidOperationException($"No encoding for {row.GetType().Name}."),
    };

    private TrainingRow EncodeChat(ChatRow row, LossOn lossOn, WarningList warnings)
    {
        if (chatTemplate is null)
            throw new ChatTemplateException(
                "the base model has none, so it cannot learn from 'messages'; use prompt and completion, or another base.", 0);
        // Under the completion's flag the prompt's own answers are left out by place, so which spans are theirs need not be told.
        IReadOnlyList<ChatMessage> messages = [.. row.Messages.Select((message, i) => i < row.PromptMessages ? message with { Weight = null } : message)];
        int[] ids, labels;
        string text;
        int skipped;
        if (lossOn.HasFlag(LossOn.Assistant))
        {
            var chat = chatTemplate.RenderForTraining(messages, row.Tools);
            if (chat.OnlyLastAnswer)
                warnings.Add(row.Line, "the chat template rewrites earlier turns: only the last answer is learnt.");
            text = chat.Text;
            var encoding = _kept.EncodeWithOffsets(text, out skipped);
            (ids, labels) = ([.. encoding.Ids], SpanLabels.Of(encoding, chat, skipped));
        }
        else
        {
            if (!Pairs && messages.Any(message => message.Weight == 0)) warnings.Add(row.Line, "'weight' counts only where the loss is on the assistant's words.");
            text = chatTemplate.Render(messages, tools: row.Tools);
            ids = _kept.Encode(text, addSpecialTokens: false, out skipped);
            labels = [.. ids];
        }
        if (row.PromptMessages > 0 && lossOn.HasFlag(LossOn.Completion))
        {
            string prompt = chatTemplate.Render([.. row.Messages.Take(row.PromptMessages)], addGenerationPrompt: true, row.Tools);
            labels.AsSpan(0, Border(ids, text, prompt, skipped, addSpecialTokens: false).At).Fill(TrainingRow.Ignored);
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
        TrainingRow encoded = EncodeCompletion(row.Line, template.Render([.. row.Messages.SkipLast(1)]), answer.Content + template.Behind, LossOn.Answers, warnings);
        return answer.Weight == 0 ? encoded with { Labels = [.. encoded.Ids.Select(_ => TrainingRow.Ignored)] } : encoded;
    }

    private TrainingRow EncodeAlpaca(AlpacaRow row, PromptTemplate template, WarningList warnings) =>
        EncodeCompletion(row.Line, template.Render(row.Instruction, row.Input), row.Output + template.Behind, LossOn, warnings);

    private TrainingRow EncodeText(string text)
    {
        var ids = WithEnd(_kept.Encode(text, addSpecialTokens: true, out _));
        return new TrainingRow(ids, [.. ids]);
    }

    /// <summary>
    /// Both texts are encoded as one, as the model will write them. Where tokens merge over the border, the completion starts at
    /// the first token that differs from the prompt's own (as in TRL).
    /// </summary>
    private TrainingRow EncodeCompletion(int line, string prompt, string completion, LossOn lossOn, WarningList warnings)
    {
        string text = prompt + completion;
        int[] ids = _kept.Encode(text, addSpecialTokens: true, out int skipped);
        if (lossOn == LossOn.All)
        {
            ids = WithEnd(ids);
            return new TrainingRow(ids, [.. ids]);
        }
        var (border, promptLength) = Border(ids, text, prompt, skipped, addSpecialTokens: true);
        if (border < Math.Min(promptLength, ids.Length)) warnings.Add(line, MergedBorder);
        ids = WithEnd(ids);
        int[] labels = [.. ids];
        labels.AsSpan(0, border).Fill(TrainingRow.Ignored);
        return new TrainingRow(ids, labels);
    }

    /// <summary>How many of a text's tokens are its prompt's, and how many tokens that has of the text that was encoded.</summary>
    /// <param name="skipped">Characters of the text that were not.</param>
    private (int At, int PromptLength) Border(int[] ids, string text, string prompt, int skipped, bool addSpecialTokens)
    {
        // A prompt that the skipped part is no part of is another text; and of one that ends there no token is left.
        if (string.CompareOrdinal(text, 0, prompt, 0, skipped) != 0 || (skipped > 0 && prompt.Length <= skipped)) return (0, 0);
        int[] promptIds = truncation == Truncation.KeepEnd ? tokenizer.Encode(prompt[skipped..], addSpecialTokens) : _kept.Encode(prompt, addSpecialTokens, out _);
        return (ids.AsSpan().CommonPrefixLength(promptIds), promptIds.Length);
    }

    private int[] WithEnd(int[] ids) => endOfText is { } end && (ids.Length == 0 || ids[^1] != end) ? [.. ids, end] : ids;
}
