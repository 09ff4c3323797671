using System.Diagnostics;
using FineTuneService.Engine.Generation;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>An answer's spans, one after the other under the request's: lease wait → adapter → prefill → decode. They are begun and
/// ended on the device's thread.</summary>
internal sealed class AnswerTrace : IDisposable
{
    private readonly Activity? _answer;
    private readonly long _asked = Stopwatch.GetTimestamp();
    private Activity? _part;
    private bool _decoding;

    public AnswerTrace(string operation, string model, int maxTokens)
    {
        _answer = Telemetry.Source.StartActivity($"{operation} {model}");
        _answer?.SetTag(Telemetry.Keys.Operation, operation).SetTag(Telemetry.Keys.Provider, "finetuneservice")
            .SetTag(Telemetry.Keys.RequestModel, model).SetTag(Telemetry.Keys.MaxTokens, maxTokens);
        Begin(Telemetry.Spans.LeaseWait);
        // The request goes on without it: it is this object that ends it.
        Activity.Current = _answer?.Parent;
    }

    /// <summary>The device is ours.</summary>
    public void LeaseGranted()
    {
        Telemetry.LeaseWaitSeconds.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds);
        Begin(Telemetry.Spans.Adapter);
    }

    public void PrefillStarted() => Begin(Telemetry.Spans.Prefill);

    public void TokenDrawn()
    {
        if (_decoding) return;
        _decoding = true;
        Telemetry.FirstTokenSeconds.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds);
        Begin(Telemetry.Spans.Decode);
    }

    public void Finished(Usage usage, FinishReason reason)
    {
        _answer?.SetTag(Telemetry.Keys.InputTokens, usage.PromptTokens).SetTag(Telemetry.Keys.OutputTokens, usage.CompletionTokens)
            .SetTag(Telemetry.Keys.FinishReasons, reason.ToString().ToLowerInvariant());
        Telemetry.RequestSeconds.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds);
        Dispose();
    }

    public void Dispose()
    {
        _part?.Dispose();
        _answer?.Dispose();
    }

    private void Begin(string span)
    {
        _part?.Dispose();
        Activity? before = Activity.Current;
        _part = _answer is null ? null : Telemetry.Source.StartActivity(span, ActivityKind.Internal, _answer.Context);
        Activity.Current = before;
    }
}
