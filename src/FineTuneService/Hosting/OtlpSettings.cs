namespace FineTuneService.Hosting;

/// <summary>Where telemetry goes, as OpenTelemetry's variables say, and what is wrong with them.</summary>
/// <param name="IsUsable">There is an endpoint, and every one that is named is an address.</param>
/// <param name="Problems">A sentence each. The exporter itself would pass over them and send to localhost.</param>
internal sealed record OtlpSettings(bool IsUsable, IReadOnlyList<string> Problems)
{
    private const string Prefix = "OTEL_EXPORTER_OTLP_";
    private static readonly string[] Signals = ["", "TRACES_", "METRICS_", "LOGS_"];
    private static readonly string[] Protocols = ["grpc", "http/protobuf"];

    public static OtlpSettings Read(IConfiguration configuration)
    {
        var problems = new List<string>();
        bool named = false, usable = true;
        foreach (string signal in Signals)
        {
            string endpoint = $"{Prefix}{signal}ENDPOINT", protocol = $"{Prefix}{signal}PROTOCOL";
            if (configuration[endpoint] is { Length: > 0 } address)
            {
                named = true;
                if (!IsHttp(address))
                {
                    usable = false;
                    problems.Add($"{endpoint} is '{Errors.Clip(address)}', which is no http:// or https:// address; no telemetry is sent. An example: http://127.0.0.1:4317.");
                }
            }
            if (configuration[protocol] is { Length: > 0 } spoken && !Protocols.Contains(spoken))
                problems.Add($"{protocol} is '{Errors.Clip(spoken)}', which is none of {string.Join(", ", Protocols)}; grpc is spoken.");
        }
        return new OtlpSettings(named && usable, problems);
    }

    private static bool IsHttp(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0;
}
