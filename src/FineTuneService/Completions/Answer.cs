using System.Threading.Channels;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Completions;

/// <summary>A piece of an answer as it is made.</summary>
/// <param name="Choice">Which answer: the n of the first prompt, then those of the next.</param>
/// <param name="Text">May be empty.</param>
/// <param name="Finish">Set in a choice's last piece.</param>
internal readonly record struct AnswerPiece(int Choice, string Text, FinishReason? Finish);

/// <summary>Why no answer was begun.</summary>
internal enum RefusalKind
{
    NoChatTemplate,
    BadPrompt,
    ContextLengthExceeded,
    Full,
    ModelUnusable,
}

/// <param name="Message">What to do, for the client.</param>
internal sealed record AnswerRefusal(RefusalKind Kind, string Message);

/// <summary>An answer under way: its pieces, and what it has cost so far.</summary>
internal sealed class Answer(int promptTokens, ChannelReader<AnswerPiece> pieces)
{
    private int _completionTokens;

    public IAsyncEnumerable<AnswerPiece> Pieces(CancellationToken cancel) => pieces.ReadAllAsync(cancel);

    /// <summary>Final once the pieces have ended.</summary>
    public Usage Usage => new(promptTokens, Volatile.Read(ref _completionTokens));

    internal void CountToken() => Interlocked.Increment(ref _completionTokens);
}
