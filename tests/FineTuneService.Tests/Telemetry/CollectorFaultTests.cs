using System.Net;
using System.Net.Sockets;

namespace FineTuneService.Tests.Telemetry;

/// <summary>A collector that is not there is said, never passed over.</summary>
[Waits]
public sealed class CollectorFaultTests
{
    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "htp://collector:4317")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "4317")]
    [InlineData("OTEL_EXPORTER_OTLP_PROTOCOL", "htttp")]
    public async Task Start_MistypedVariable_WarnsAndServes(string name, string value)
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, (name, value));
        await service.Logged($"{name} is '{value}'");
        using HttpClient client = await service.Client("");
        Assert.Equal("ok", (string?)(await client.Get("/healthz"))["status"]);
    }

    [Theory, InlineData("grpc"), InlineData("http/protobuf")]
    public async Task Export_NobodyListens_Warns(string protocol)
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        await Warns($"http://127.0.0.1:{port}", protocol);
    }

    [Fact]
    public async Task Export_AnotherServerListens_Warns()
    {
        await using var collector = new OtlpReceiver();
        await collector.Start();
        await Warns($"{collector.Address}/elsewhere", "http/protobuf");
    }

    private static async Task Warns(string endpoint, string protocol)
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
        using HttpClient client = await service.Client("no key");
        await client.GetAsync("/v1/files", TestContext.Current.CancellationToken);
        await service.Logged("Telemetry does not arrive");
    }
}
