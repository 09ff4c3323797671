using System.Text.Json.Nodes;
using FineTuneService.Engine.Chat;

namespace FineTuneService.Engine.Datasets;

/// <param name="Line">1-based line on which the row starts.</param>
public abstract record DatasetRow(int Line);

/// <summary>A conversation whose assistant messages are learnt, but for those of weight 0.</summary>
public sealed record ChatRow(int Line, IReadOnlyList<ChatMessage> Messages) : DatasetRow(Line)
{
    /// <summary>How many messages at the start are the prompt of a prompt/completion row: nothing of them is learnt.</summary>
    public int PromptMessages { get; init; }

    /// <summary>What the assistant may call, in OpenAI's shape; null: nothing.</summary>
    public JsonArray? Tools { get; init; }
}

/// <summary>A text to go on from and the text to learn.</summary>
public sealed record CompletionRow(int Line, string Prompt, string Completion) : DatasetRow(Line);

/// <summary>A task and its answer, put into a prompt of fixed texts.</summary>
public sealed record AlpacaRow(int Line, string Instruction, string Input, string Output) : DatasetRow(Line)
{
    /// <summary>What the row is put into where the model has no prompt template of its own.</summary>
    public PromptTemplate Prompt { get; init; } = PromptTemplate.Alpaca;
}

/// <summary>A text that is learnt as a whole.</summary>
public sealed record TextRow(int Line, string Text) : DatasetRow(Line);

/// <summary>Two answers to one prompt: both rows are a <see cref="CompletionRow"/>, or both a <see cref="ChatRow"/>, and their prompts are equal.</summary>
/// <param name="Chosen">The prompt with the answer that is preferred.</param>
/// <param name="Rejected">The prompt with the other one.</param>
public sealed record PreferenceRow(int Line, DatasetRow Chosen, DatasetRow Rejected) : DatasetRow(Line);

/// <summary>An answer that is wanted or not.</summary>
/// <param name="Row">The prompt with the answer.</param>
public sealed record LabelledRow(int Line, DatasetRow Row, bool IsWanted) : DatasetRow(Line);
