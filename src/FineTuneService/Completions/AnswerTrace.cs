using System.Diagnostics;
using FineTuneService.Engine.Generation;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>An answer's spans, one after the other under the request's: lease wait → adapter → prefill → decode; and its figures, as
/// OpenTelemetry's conventions for generative AI have them. They are begun and ended on the device's thread.</summary>
internal sealed class AnswerTrace : IDisposable
{
    private const string Provider = "finetuneservice";

    private readonly Activity? _answer;
    private readonly TagList _about;
    private readonly long _asked = Stopwatch.GetTimestamp();
    private long _firstToken;
    private Activity? _part;
    private string? _error = "_OTHER"; // Until the answer has ended well, or somebody says why it did not.
    private bool _ended;

    public AnswerTrace(string operation, string model, int maxTokens)
    {
        _about = [new(Telemetry.Keys.Operation, operation), new(Telemetry.Keys.Provider, Provider), new(Telemetry.Keys.RequestModel, model)];
        _answer = Telemetry.Source.StartActivity($"{operation} {model}");
        foreach (KeyValuePair<string, object?> tag in _about) _answer?.SetTag(tag.Key, tag.Value);
        _answer?.SetTag(Telemetry.Keys.MaxTokens, maxTokens);
        Begin(Telemetry.Spans.LeaseWait);
        // The request goes on without it: it is this object that ends it.
        Activity.Current = _answer?.Parent;
    }

    /// <summary>The device is ours.</summary>
    public void LeaseGranted()
    {
        Telemetry.LeaseWaitSeconds.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds, _about);
        Begin(Telemetry.Spans.Adapter);
    }

    public void PrefillStarted() => Begin(Telemetry.Spans.Prefill);

    public void TokenDrawn()
    {
        if (_firstToken != 0) return;
        _firstToken = Stopwatch.GetTimestamp();
        Telemetry.FirstTokenSeconds.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds, _about);
        Begin(Telemetry.Spans.Decode);
    }

    /// <summary>Says why there is no answer, before <see cref="Dispose"/>.</summary>
    /// <param name="error">One of few values: it is a metric's attribute.</param>
    public void Failed(string error) => _error = error;

    public void Finished(Usage usage, FinishReason reason)
    {
        _answer?.SetTag(Telemetry.Keys.InputTokens, usage.PromptTokens).SetTag(Telemetry.Keys.OutputTokens, usage.CompletionTokens)
            .SetTag(Telemetry.Keys.FinishReasons, reason.ToString().ToLowerInvariant());
        Count(usage.PromptTokens, "input");
        Count(usage.CompletionTokens, "output");
        _error = reason == FinishReason.Cancelled ? "cancelled" : null;
        if (_error is null && usage.CompletionTokens > 1)
            Telemetry.TokenSeconds.Record(Stopwatch.GetElapsedTime(_firstToken).TotalSeconds / (usage.CompletionTokens - 1), _about);
        Dispose();
    }

    public void Dispose()
    {
        if (_ended) return;
        _ended = true;
        TagList about = _about;
        if (_error is not null)
        {
            about.Add(Telemetry.Keys.ErrorType, _error);
            _answer?.SetTag(Telemetry.Keys.ErrorType, _error).SetStatus(ActivityStatusCode.Error);
        }
        Telemetry.RequestSeconds.Record(Stopwatch.GetElapsedTime(_asked).TotalSeconds, about);
        _part?.Dispose();
        _answer?.Dispose();
    }

    private void Count(int tokens, string type)
    {
        TagList about = _about;
        about.Add(Telemetry.Keys.TokenType, type);
        Telemetry.ServedTokens.Add(tokens, about);
    }

    private void Begin(string span)
    {
        _part?.Dispose();
        Activity? before = Activity.Current;
        _part = _answer is null ? null : Telemetry.Source.StartActivity(span, ActivityKind.Internal, _answer.Context);
        Activity.Current = before;
    }
}
