using FineTuneService.Engine.Generation;

namespace FineTuneService.Completions;

/// <summary>How an answer is written: one object, or the chunks of a stream.</summary>
internal interface IReply
{
    object Whole(IReadOnlyList<(string Text, FinishReason Finish)> choices, Usage usage);

    /// <summary>Chunks before the first piece.</summary>
    IEnumerable<object> Opening(int choices);

    object Chunk(AnswerPiece piece);

    /// <summary>The last chunk, whose choices are empty.</summary>
    object UsageChunk(Usage usage);
}

internal sealed class ChatReply(string id, long created, string model) : IReply
{
    private const string ChunkObject = "chat.completion.chunk";

    public object Whole(IReadOnlyList<(string Text, FinishReason Finish)> choices, Usage usage) => new ChatCompletion(
        id, "chat.completion", created, model,
        [.. choices.Select((choice, i) => new ChatChoice(i, new AssistantMessage("assistant", choice.Text, null), null, choice.Finish.OnWire()))], usage);

    public IEnumerable<object> Opening(int choices) =>
        Enumerable.Range(0, choices).Select(i => Chunk([new ChunkChoice(i, new ChunkDelta("assistant", ""), null, null)], null));

    public object Chunk(AnswerPiece piece) =>
        Chunk([new ChunkChoice(piece.Choice, new ChunkDelta(null, piece.Finish is null ? piece.Text : null), null, piece.Finish?.OnWire())], null);

    public object UsageChunk(Usage usage) => Chunk([], usage);

    private ChatCompletionChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) => new(id, ChunkObject, created, model, choices, usage);
}

internal sealed class TextReply(string id, long created, string model) : IReply
{
    public object Whole(IReadOnlyList<(string Text, FinishReason Finish)> choices, Usage usage) =>
        Body([.. choices.Select((choice, i) => new TextChoice(choice.Text, i, null, choice.Finish.OnWire()))], usage);

    public IEnumerable<object> Opening(int choices) => [];

    public object Chunk(AnswerPiece piece) => Body([new TextChoice(piece.Text, piece.Choice, null, piece.Finish?.OnWire())], null);

    public object UsageChunk(Usage usage) => Body([], usage);

    private TextCompletion Body(IReadOnlyList<TextChoice> choices, Usage? usage) => new(id, "text_completion", created, model, choices, usage);
}

internal static class FinishReasons
{
    public static string OnWire(this FinishReason reason) => reason switch
    {
        FinishReason.Stop => "stop",
        FinishReason.Length => "length",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "an answer that did not come to its end is an error"),
    };
}
