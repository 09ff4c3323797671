using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FineTuneService.Hosting;

/// <summary>
/// Sends traces, metrics and logs over OTLP where OTEL_EXPORTER_OTLP_ENDPOINT, or one of its siblings for a single signal, says to.
/// The exporter reads those and its other variables itself.
/// </summary>
internal static class TelemetryExport
{
    private static readonly string[] Probes = ["/healthz", "/readyz"];

    public static void AddTo(WebApplicationBuilder builder)
    {
        OtlpSettings settings = OtlpSettings.Read(builder.Configuration);
        builder.Services.AddSingleton(settings);
        builder.Services.AddHostedService<TelemetryWarnings>();
        if (!settings.IsUsable) return;
        // Hosted services stop in the reverse order: this one comes after all that may still have something to tell.
        builder.Services.AddHostedService<TelemetryDeadline>();
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(Telemetry.Name))
            .WithTracing(traces => traces.AddSource(Telemetry.Name)
                .AddAspNetCoreInstrumentation(requests =>
                {
                    requests.Filter = context => !Probes.Contains(context.Request.Path.Value);
                    // A group's own route is written with a slash at its end, which no client sends.
                    requests.EnrichWithHttpResponse = (span, _) => span.DisplayName = span.DisplayName.TrimEnd('/');
                }))
            .WithMetrics(metrics => metrics.AddMeter(Telemetry.Name, "System.Runtime").AddAspNetCoreInstrumentation())
            .WithLogging()
            .UseOtlpExporter();
    }
}
