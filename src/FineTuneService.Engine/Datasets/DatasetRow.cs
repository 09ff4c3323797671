using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <param name="Line">1-based line on which the row starts.</param>
public abstract record DatasetRow(int Line);

/// <summary>A conversation whose assistant messages are learnt, but for those of weight 0.</summary>
public sealed record ChatRow(int Line, IReadOnlyList<ChatMessage> Messages) : DatasetRow(Line)
{
    /// <summary>How many messages at the start are the prompt of a prompt/completion row: nothing of them is learnt.</summary>
    public int PromptMessages { get; init; }
}

/// <summary>A text to go on from and the text to learn.</summary>
public sealed record CompletionRow(int Line, string Prompt, string Completion) : DatasetRow(Line);

/// <summary>A task and its answer, put into Stanford's prompt.</summary>
public sealed record AlpacaRow(int Line, string Instruction, string Input, string Output) : DatasetRow(Line);
