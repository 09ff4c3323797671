using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Generation.Rules;
using FineTuneService.Engine.Generation.Schemas;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Generation;

/// <summary>A request that has a place in the batch.</summary>
/// <param name="room">Bytes set aside for its keys and values.</param>
internal sealed class GenerationRow(GenerationRequest request, CachedSequence sequence, long room, BaseModel model, int capacity)
{
    /// <summary>A schema's mask takes some 60 µs; a hostile one's may take a thousand times that.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromMilliseconds(5);

    private readonly SchemaSession? _schema = request.Parameters.Schema?.Begin(model.EosIds);
    private readonly Sampler _sampler = new(request.Parameters, request.Prompt);
    private readonly StopStrings _stops = new(request.Parameters.Stop);
    private readonly DecodeStream _text = model.Tokenizer.StreamDecoder();
    private readonly LogProbabilities _probabilities = new();
    private readonly List<int> _tokens = [.. request.Prompt];
    private int _drawn;

    public GenerationRequest Request => request;
    public Adapter? Adapter => request.Adapter;
    public CachedSequence Sequence => sequence;
    public long Room => room;

    /// <summary>Tokens to be read before the next is drawn, of the prompt or such as were certain; none where only the last one is to be read.</summary>
    public int Unread => _drawn == 0 || Waiting > 1 ? Waiting : 0;

    /// <summary>Drawing its next token may take long: it is held to a schema, and that of its last token did, or none was drawn yet.</summary>
    public bool IsSlow { get; private set; } = request.Parameters.Schema is not null;

    /// <summary>What drawing its last token took.</summary>
    public TimeSpan LastDraw { get; private set; }

    /// <summary>When it last took part in a forward, counted in forwards.</summary>
    public long LastForward { get; set; }

    private int Waiting => Math.Max(0, _tokens.Count - sequence.Length);

    /// <summary>What the next forward reads: so many of the tokens that are to be read.</summary>
    public int[] Next(int count) => [.. CollectionsMarshal.AsSpan(_tokens).Slice(sequence.Length, Math.Min(count, Waiting))];

    /// <summary>Whether the logits behind each of the prompt's tokens are asked for.</summary>
    public bool WantsPromptLogits => request.OnPromptToken is not null && sequence.Length < request.Prompt.Count;

    /// <summary>Tells how likely a token of the prompt was.</summary>
    /// <param name="place">Of the token before it.</param>
    public void Read(int place, ReadOnlySpan<float> logits)
    {
        if (place + 1 >= request.Prompt.Count) return;
        int id = _tokens[place + 1];
        (float probability, IReadOnlyList<TokenProbability> top) = _probabilities.Of(logits, id, request.Parameters.TopLogProbabilities ?? 0);
        request.OnPromptToken!(new GeneratedToken(id, "", probability, top));
    }

    /// <summary>Draws the token that follows, and tells of it and of those that are certain behind it.</summary>
    /// <returns>Why the answer ends with it, or null.</returns>
    public FinishReason? Draw(ReadOnlySpan<float> logits)
    {
        long began = Stopwatch.GetTimestamp();
        try
        {
            return DrawNext(logits);
        }
        finally
        {
            LastDraw = Stopwatch.GetElapsedTime(began);
            IsSlow = _schema is not null && LastDraw > Slow;
        }
    }

    private FinishReason? DrawNext(ReadOnlySpan<float> logits)
    {
        if (!AreNumbers(logits)) return FinishReason.NonFinite;
        if (request.Parameters.MaxTokens == 0) return FinishReason.Length;
        if (_schema is not null) _schema.Left = Left;
        if (_drawn > 0 || Certain() is not { } begun)
        {
            int id = _sampler.Next(logits, _schema);
            // What it would begin could not be ended any more.
            if (_schema?.Fits(id) == false)
            {
                _sampler.PutBack();
                id = _sampler.Next(logits, new ClosingRule(_schema));
            }
            FinishReason? ended = Add(id, logits);
            return ended ?? Certain()?.Ended;
        }
        return begun.Ended;
    }

    /// <summary>Adds tokens that the schema leaves no choice about. Where probabilities are asked for every token is drawn, since each needs its logits.</summary>
    /// <returns>Null where there are none.</returns>
    private CertainTokens? Certain()
    {
        if (_schema is null || request.Parameters.TopLogProbabilities is not null) return null;
        IReadOnlyList<int> certain = _schema.Certain();
        foreach (int id in certain.Take(Left))
        {
            _sampler.Took(id);
            if (Add(id, []) is { } ended) return new CertainTokens(ended);
        }
        return certain.Count > 0 ? new CertainTokens(null) : null;
    }

    /// <summary>Tokens that the answer may still have.</summary>
    private int Left => Math.Min(request.Parameters.MaxTokens - _drawn, capacity - _tokens.Count);

    private FinishReason? Add(int id, ReadOnlySpan<float> logits)
    {
        _tokens.Add(id);
        sequence.Expect(_tokens.Count);
        _drawn++;
        var token = new GeneratedToken(id, "");
        if (request.Parameters.TopLogProbabilities is { } top)
        {
            (float probability, IReadOnlyList<TokenProbability> likeliest) = _probabilities.Of(logits, id, top);
            token = token with { LogProbability = probability, Top = likeliest };
        }
        if (!request.Parameters.IgnoreEndOfText && model.EosIds.Contains(id)) return End(token with { IsEnd = true }, _stops.Add(_text.Flush() ?? ""), FinishReason.Stop);
        string text = _stops.Add(_text.Step(id) ?? "");
        _schema?.Take(id);
        if (_schema is not null) _schema.Left = Left;
        if (_stops.Found)
        {
            request.OnToken(token with { Text = text });
            return FinishReason.Stop;
        }
        if (_schema?.IsComplete == true) return End(token, text + _stops.Add(_text.Flush() ?? ""), FinishReason.Stop);
        if (_drawn == request.Parameters.MaxTokens || _tokens.Count >= capacity) return End(token, text + _stops.Add(_text.Flush() ?? ""), FinishReason.Length);
        request.OnToken(token with { Text = text });
        return null;
    }

    /// <summary>Logits that are all the same are none either: the last norm's sum overflowed, and what it divided by that became zero.</summary>
    private static bool AreNumbers(ReadOnlySpan<float> logits) =>
        float.IsFinite(TensorPrimitives.MaxMagnitude(logits)) && (logits.Length == 1 || TensorPrimitives.Max(logits) > TensorPrimitives.Min(logits));

    private FinishReason End(GeneratedToken token, string text, FinishReason reason)
    {
        request.OnToken(token with { Text = text + _stops.Rest() });
        return reason;
    }

    private sealed class ClosingRule(SchemaSession schema) : ILogitRule
    {
        public void Apply(Span<float> scores, ReadOnlySpan<int> previous) => schema.KeepClosing(scores);
    }

    private readonly record struct CertainTokens(FinishReason? Ended);
}
