using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace FineTuneService.Hosting;

/// <summary>
/// Sends traces, metrics and logs over OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says to; the exporter reads that and its other
/// variables itself. OpenTelemetry.Extensions.Hosting does not restore everywhere, so the providers are built here.
/// </summary>
internal sealed class TelemetryExport : IHostedService, IDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private TracerProvider? _traces;
    private MeterProvider? _metrics;

    public static bool IsOn => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(Endpoint));

    public static ResourceBuilder Resource => ResourceBuilder.CreateDefault().AddService(Telemetry.Name);

    public static void AddTo(WebApplicationBuilder builder)
    {
        builder.Services.AddHostedService<TelemetryExport>();
        if (IsOn) builder.Logging.AddOpenTelemetry(logs => logs.SetResourceBuilder(Resource).AddOtlpExporter());
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!IsOn) return Task.CompletedTask;
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(Resource)
            .AddSource(Telemetry.Name, "Microsoft.AspNetCore").AddOtlpExporter().Build();
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(Resource)
            .AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting", "System.Runtime").AddOtlpExporter().Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _traces?.ForceFlush(2000);
        _metrics?.ForceFlush(2000);
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }
}
