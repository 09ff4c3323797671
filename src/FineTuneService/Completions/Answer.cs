using System.Threading.Channels;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Completions;

/// <summary>A piece of an answer as it is made.</summary>
/// <param name="Choice">Which answer: the n of the first prompt, then those of the next.</param>
/// <param name="Text">May be empty.</param>
/// <param name="Finish">Set in a choice's last piece.</param>
/// <param name="Token">Where probabilities were asked for: each token is a piece.</param>
internal readonly record struct AnswerPiece(int Choice, string Text, FinishReason? Finish, GeneratedToken? Token = null);

/// <summary>Why no answer was begun.</summary>
internal enum RefusalKind
{
    NoChatTemplate,
    BadPrompt,

    /// <summary>What the answer was to be held to cannot be followed.</summary>
    BadSchema,
    ContextLengthExceeded,
    Full,
    ModelUnusable,

    /// <summary>The model's output is not finite.</summary>
    NonFinite,

    /// <summary>It was begun, and did not come to its end.</summary>
    Cut,
}

/// <param name="Message">What to do, for the client.</param>
/// <param name="Param">The field at fault, where it is not the one that holds the prompt.</param>
internal sealed record AnswerRefusal(RefusalKind Kind, string Message, string? Param = null);

/// <summary>An answer under way: its pieces, and what it has cost so far.</summary>
/// <param name="cancel">Ends its rows where they are.</param>
internal sealed class Answer(int promptTokens, ChannelReader<AnswerPiece> pieces, Action cancel)
{
    private int _completionTokens;

    public IAsyncEnumerable<AnswerPiece> Pieces(CancellationToken cancel) => pieces.ReadAllAsync(cancel);

    /// <summary>For each choice, characters of its prompt.</summary>
    public IReadOnlyList<int> PromptLengths { get; init; } = [];

    /// <summary>A token's text in UTF-8; nothing for a special token.</summary>
    public Func<int, byte[]> BytesOf { get; init; } = _ => [];

    /// <summary>Final once the pieces have ended.</summary>
    public Usage Usage => new(promptTokens, Volatile.Read(ref _completionTokens));

    /// <summary>Nobody reads it any more, or one of its choices has failed.</summary>
    public void Cancel() => cancel();

    /// <summary>What the client is told instead of a choice that ended so; null where it ended well.</summary>
    public static AnswerRefusal? Failure(FinishReason reason) => reason switch
    {
        FinishReason.Stop or FinishReason.Length => null,
        FinishReason.NonFinite => new AnswerRefusal(RefusalKind.NonFinite,
            "The model's output is not finite; its weights, or its adapter's, are damaged or have grown too large. Train the adapter again with a lower learning rate, or upload it again."),
        FinishReason.Cancelled => new AnswerRefusal(RefusalKind.Cut, "The answer was cut short because the service stops; ask again."),
        _ => new AnswerRefusal(RefusalKind.Cut, "The answer failed on the device; ask again. The service's log says why."),
    };

    internal void CountToken() => Interlocked.Increment(ref _completionTokens);
}
