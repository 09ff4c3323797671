using System.Text;
using FineTuneService.Engine.Chat;
using FineTuneService.Engine.Generation;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Training.SelfInstruct;

/// <summary>A writer over a model that is loaded here. One text at a time, all on the calling thread.</summary>
/// <param name="adapter">Null: the base alone.</param>
public sealed class GeneratorWriter(BaseModel model, Adapter? adapter = null) : IDisposable
{
    private readonly Generator _generator = new(model, maxRows: 1, model.Config.MaxPositions);
    private readonly Tokenizer _tokenizer = model.Tokenizer ?? throw new ArgumentException("the model has no tokenizer");

    /// <summary>The <see cref="WriteText"/>. A prompt that is too long loses its beginning, so that what is to be gone on with stays.</summary>
    public Task<WrittenText> Write(WritingRequest request, CancellationToken cancel)
    {
        int[] prompt = new PromptEncoder(_tokenizer, null).EncodeText(request.Prompt);
        int room = Math.Clamp(_generator.Capacity / 2, 1, Math.Max(1, _generator.Capacity - request.MaxTokens));
        if (prompt.Length > room) prompt = prompt[^room..];
        var text = new StringBuilder();
        FinishReason? finished = null;
        _generator.Add(new GenerationRequest
        {
            Prompt = prompt,
            Adapter = adapter,
            Parameters = new SamplingParameters
            {
                MaxTokens = Math.Min(request.MaxTokens, _generator.Capacity - prompt.Length),
                Temperature = request.Temperature,
                TopP = request.TopP,
                PresencePenalty = request.PresencePenalty,
                Stop = request.Stops,
                Seed = request.Seed,
            },
            OnToken = token => text.Append(token.Text),
            OnFinished = reason => finished = reason,
        });
        while (finished is null)
        {
            cancel.ThrowIfCancellationRequested();
            _generator.Step();
        }
        if (finished is FinishReason.Failed or FinishReason.NonFinite) throw new InvalidOperationException("the model cannot go on from the prompt: its logits are no finite numbers, or its forward failed");
        return Task.FromResult(new WrittenText(text.ToString(), finished == FinishReason.Length));
    }

    public void Dispose() => _generator.Dispose();
}
