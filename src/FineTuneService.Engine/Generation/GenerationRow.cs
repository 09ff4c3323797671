using System.Numerics.Tensors;
using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Generation;

/// <summary>A request that has a place in the batch.</summary>
/// <param name="room">Bytes set aside for its keys and values.</param>
internal sealed class GenerationRow(GenerationRequest request, CachedSequence sequence, long room, BaseModel model, int capacity)
{
    private readonly Sampler _sampler = new(request.Parameters, request.Prompt);
    private readonly StopStrings _stops = new(request.Parameters.Stop);
    private readonly DecodeStream _text = model.Tokenizer.StreamDecoder();
    private int _drawn, _last;

    public GenerationRequest Request => request;
    public Adapter? Adapter => request.Adapter;
    public CachedSequence Sequence => sequence;
    public long Room => room;

    /// <summary>Prompt tokens that no forward has read yet; the first token is drawn once there are none.</summary>
    public int Unread => Math.Max(0, request.Prompt.Count - sequence.Length);

    /// <summary>When it last took part in a forward, counted in forwards.</summary>
    public long LastForward { get; set; }

    /// <summary>What the next forward reads: so many of the prompt's tokens, or the token drawn last.</summary>
    public int[] Next(int count) => Unread > 0 ? [.. request.Prompt.Skip(sequence.Length).Take(count)] : [_last];

    /// <summary>Draws the token that follows, and tells of it.</summary>
    /// <returns>Why the answer ends with it, or null.</returns>
    public FinishReason? Draw(ReadOnlySpan<float> logits)
    {
        if (!AreNumbers(logits)) return FinishReason.NonFinite;
        int id = _last = _sampler.Next(logits);
        _drawn++;
        if (!request.Parameters.IgnoreEndOfText && model.EosIds.Contains(id)) return End(id, _stops.Add(_text.Flush() ?? ""), FinishReason.Stop);
        string text = _stops.Add(_text.Step(id) ?? "");
        if (_stops.Found)
        {
            request.OnToken(id, text);
            return FinishReason.Stop;
        }
        if (_drawn == request.Parameters.MaxTokens || request.Prompt.Count + _drawn >= capacity)
            return End(id, text + _stops.Add(_text.Flush() ?? ""), FinishReason.Length);
        request.OnToken(id, text);
        return null;
    }

    /// <summary>Logits that are all the same are none either: the last norm's sum overflowed, and what it divided by that became zero.</summary>
    private static bool AreNumbers(ReadOnlySpan<float> logits) =>
        float.IsFinite(TensorPrimitives.MaxMagnitude(logits)) && (logits.Length == 1 || TensorPrimitives.Max(logits) > TensorPrimitives.Min(logits));

    private FinishReason End(int id, string text, FinishReason reason)
    {
        request.OnToken(id, text + _stops.Rest());
        return reason;
    }
}
