using System.Diagnostics.Tracing;
using System.Globalization;

namespace FineTuneService.Hosting;

/// <summary>
/// Says in the log that telemetry does not arrive. OpenTelemetry's exporter tells its failures to an event source that nobody
/// listens to, so an operator with a mistyped or dead collector would see nothing at all. One warning in ten minutes: the exporter fails
/// every few seconds.
/// </summary>
internal sealed class TelemetryWarnings(ILogger<TelemetryWarnings> log, OtlpSettings settings, TimeProvider clock) : EventListener, IHostedService
{
    private const string Exporter = "OpenTelemetry-Exporter-OpenTelemetryProtocol";
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(10);
    private readonly Lock _turn = new();
    private long? _said;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (string problem in settings.Problems) log.LogWarning("{Problem}", problem);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Exporter) EnableEvents(eventSource, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs happened)
    {
        lock (_turn)
        {
            if (_said is { } before && clock.GetElapsedTime(before) < Between) return;
            _said = clock.GetTimestamp();
        }
        log.LogWarning("Telemetry does not arrive; see whether the collector runs, and OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_PROTOCOL. {Reason}", Reason(happened));
    }

    /// <summary>The exporter's sentence. Of an exception in it, the first line says enough.</summary>
    private static string Reason(EventWrittenEventArgs happened)
    {
        object?[] parts = [.. (happened.Payload ?? Enumerable.Empty<object?>()).Select(part => part is string text ? text.Split('\n')[0].Trim() : part)];
        return happened.Message is { } format ? string.Format(CultureInfo.InvariantCulture, format, parts) : string.Join(' ', parts);
    }
}
