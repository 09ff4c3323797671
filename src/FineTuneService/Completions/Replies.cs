using System.Text;
using FineTuneService.Engine.Generation;

namespace FineTuneService.Completions;

/// <summary>One choice, whole.</summary>
internal sealed class ChoiceAnswer
{
    public StringBuilder Text { get; } = new();
    public List<GeneratedToken> Tokens { get; } = [];
    public FinishReason Finish { get; set; }
}

/// <summary>How an answer is written: one object, or the chunks of a stream.</summary>
internal interface IReply
{
    object Whole(IReadOnlyList<ChoiceAnswer> choices, Usage usage);

    /// <summary>Chunks before the first piece.</summary>
    IEnumerable<object> Opening();

    IEnumerable<object> Chunks(AnswerPiece piece);

    /// <summary>The last chunk, whose choices are empty.</summary>
    object UsageChunk(Usage usage);
}

/// <param name="texts">How each choice's text is told.</param>
/// <param name="logprobs">Null: they are not asked for.</param>
internal sealed class ChatReply(string id, long created, string model, IReadOnlyList<ChoiceText> texts, Logprobs? logprobs) : IReply
{
    private const string ChunkObject = "chat.completion.chunk";

    public object Whole(IReadOnlyList<ChoiceAnswer> choices, Usage usage) => new ChatCompletion(id, "chat.completion", created, model, [.. choices.Select(Choice)], usage);

    public IEnumerable<object> Opening() => texts.Select((_, i) => Chunk([new ChunkChoice(i, new ChunkDelta("assistant", ""), null, null)], null));

    public IEnumerable<object> Chunks(AnswerPiece piece)
    {
        ChoiceText text = texts[piece.Choice];
        ChunkDelta[] deltas = [.. piece.Text.Length > 0 ? text.Add(piece.Text) : [], .. piece.Finish is { } ended ? text.End(ended == FinishReason.Stop) : []];
        ChatLogprobs? probabilities = piece.Token is { IsEnd: false } token ? logprobs?.Chat([token]) : null;
        // A token's probability comes with it, though its text may still be held back.
        if (deltas.Length == 0 && probabilities is not null) deltas = [new ChunkDelta(null, "")];
        for (int i = 0; i < deltas.Length; i++) yield return Chunk([new ChunkChoice(piece.Choice, deltas[i], i == 0 ? probabilities : null, null)], null);
        if (piece.Finish is { } finish) yield return Chunk([new ChunkChoice(piece.Choice, new ChunkDelta(null, null), null, finish.OnWire(text.HasCalls))], null);
    }

    public object UsageChunk(Usage usage) => Chunk([], usage);

    private ChatChoice Choice(ChoiceAnswer choice, int number)
    {
        ChoiceText text = texts[number];
        ChunkDelta[] deltas = [.. choice.Text.Length > 0 ? text.Add(choice.Text.ToString()) : [], .. text.End(choice.Finish == FinishReason.Stop)];
        string content = string.Concat(deltas.Select(delta => delta.Content));
        ToolCallBody[] calls = [.. deltas.SelectMany(delta => delta.ToolCalls ?? []).GroupBy(call => call.Index).Select(parts => Joined([.. parts]))];
        var message = new AssistantMessage("assistant", content.Length == 0 && calls.Length > 0 ? null : content, null, calls.Length > 0 ? calls : null);
        return new ChatChoice(number, message, logprobs?.Chat(choice.Tokens), choice.Finish.OnWire(text.HasCalls));
    }

    private static ToolCallBody Joined(ToolCallBody[] parts) => new()
    {
        Id = parts[0].Id,
        Type = parts[0].Type,
        Function = parts[0].Function is null ? null : new ToolFunction { Name = parts[0].Name, Arguments = string.Concat(parts.Select(part => part.Function!.Arguments)) },
        Custom = parts[0].Custom is null ? null : new CustomCall { Name = parts[0].Name, Input = string.Concat(parts.Select(part => part.Custom!.Input)) },
    };

    private ChatCompletionChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) => new(id, ChunkObject, created, model, choices, usage);
}

/// <param name="offsets">For each choice, where its first token begins: behind the prompt, unless it is echoed.</param>
internal sealed class TextReply(string id, long created, string model, Logprobs? logprobs, IReadOnlyList<int> offsets) : IReply
{
    private readonly int[] _offsets = [.. offsets];

    public object Whole(IReadOnlyList<ChoiceAnswer> choices, Usage usage) =>
        Body([.. choices.Select((choice, i) => new TextChoice(choice.Text.ToString(), i, logprobs?.Completion(choice.Tokens, _offsets[i]), choice.Finish.OnWire(false)))], usage);

    public IEnumerable<object> Opening() => [];

    public IEnumerable<object> Chunks(AnswerPiece piece)
    {
        TextLogprobs? probabilities = null;
        if (logprobs is not null && piece.Token is { } token)
        {
            probabilities = logprobs.Completion([token], _offsets[piece.Choice]);
            _offsets[piece.Choice] += logprobs.Length(token);
        }
        yield return Body([new TextChoice(piece.Text, piece.Choice, probabilities, piece.Finish?.OnWire(false))], null);
    }

    public object UsageChunk(Usage usage) => Body([], usage);

    private TextCompletion Body(IReadOnlyList<TextChoice> choices, Usage? usage) => new(id, "text_completion", created, model, choices, usage);
}

internal static class FinishReasons
{
    public static string OnWire(this FinishReason reason, bool calls) => reason switch
    {
        FinishReason.Stop => calls ? "tool_calls" : "stop",
        FinishReason.Length => "length",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "an answer that did not come to its end is an error"),
    };
}
