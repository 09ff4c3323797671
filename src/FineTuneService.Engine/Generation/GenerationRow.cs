using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Generation;

/// <summary>A request that has a place in the batch.</summary>
internal sealed class GenerationRow(GenerationRequest request, int slot, BaseModel model, int capacity)
{
    private readonly Sampler _sampler = new(request.Parameters);
    private readonly StopStrings _stops = new(request.Parameters.Stop);
    private readonly DecodeStream _text = model.Tokenizer.StreamDecoder();
    private int _drawn;

    public GenerationRequest Request => request;
    public Adapter? Adapter => request.Adapter;

    /// <summary>Its place in the key/value cache.</summary>
    public int Slot => slot;

    /// <summary>What the next forward reads: the prompt, then each token drawn.</summary>
    public int[] Next { get; private set; } = [.. request.Prompt];

    /// <summary>Draws the token that follows, and tells of it.</summary>
    /// <returns>Why the answer ends with it, or null.</returns>
    public FinishReason? Draw(ReadOnlySpan<float> logits)
    {
        int id = _sampler.Next(logits);
        Next = [id];
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

    private FinishReason End(int id, string text, FinishReason reason)
    {
        request.OnToken(id, text + _stops.Rest());
        return reason;
    }
}
