using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FineTuneService.Tests.Telemetry;

/// <summary>A span as an OpenTelemetry collector receives it; ids in lower-case hex.</summary>
/// <param name="Attributes">Texts as they are; other values as "".</param>
internal sealed record ReceivedSpan(string TraceId, string SpanId, string? ParentId, string Name, IReadOnlyList<(string TraceId, string SpanId)> Links, IReadOnlyDictionary<string, string> Attributes);

/// <summary>
/// An OTLP/HTTP collector on a free port of 127.0.0.1 (opentelemetry-proto, collector/trace/v1 and metrics/v1). It keeps the spans, the
/// bounds of histograms, the last values of the other metrics, and the paths that were posted to.
/// </summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    public OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            Signals.Add(signal);
            if (signal == "traces") ReadSpans(body.ToArray());
            if (signal == "metrics") ReadMetrics(body.ToArray());
            return Results.Bytes([], "application/x-protobuf");
        });
    }

    public ConcurrentQueue<ReceivedSpan> Spans { get; } = [];
    public ConcurrentBag<string> Signals { get; } = [];

    /// <summary>The bounds of each histogram's buckets, by its name.</summary>
    public ConcurrentDictionary<string, double[]> Bounds { get; } = [];

    /// <summary>The last value of each gauge and sum: by its name, or "name value" where it has attributes, with the first one's value.</summary>
    public ConcurrentDictionary<string, double> Values { get; } = [];
    public string Address => _app.Urls.First();

    public Task Start() => _app.StartAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void ReadMetrics(ReadOnlySpan<byte> request)
    {
        for (var resources = new ProtobufReader(request); resources.Next();)
            for (var scopes = new ProtobufReader(resources.Bytes); scopes.Next();)
                if (scopes.Field == 2)
                    for (var metrics = new ProtobufReader(scopes.Bytes); metrics.Next();)
                        if (metrics.Field == 2) ReadMetric(metrics.Bytes);
    }

    private void ReadMetric(ReadOnlySpan<byte> metric)
    {
        string name = "";
        for (var field = new ProtobufReader(metric); field.Next();)
        {
            if (field.Field == 1) name = Encoding.UTF8.GetString(field.Bytes);
            if (field.Field is 5 or 7) ReadNumbers(name, field.Bytes);
            if (field.Field != 9) continue; // Not a histogram.
            for (var points = new ProtobufReader(field.Bytes); points.Next();)
                if (points.Field == 1)
                    for (var point = new ProtobufReader(points.Bytes); point.Next();)
                        if (point.Field == 7) Bounds[name] = MemoryMarshal.Cast<byte, double>(point.Bytes).ToArray();
        }
    }

    /// <summary>The points of a gauge or a sum.</summary>
    private void ReadNumbers(string name, ReadOnlySpan<byte> data)
    {
        for (var points = new ProtobufReader(data); points.Next();)
        {
            if (points.Field != 1) continue;
            string key = name;
            double value = 0;
            for (var point = new ProtobufReader(points.Bytes); point.Next();)
            {
                if (point.Field == 7 && key == name) key = $"{name} {FirstText(point.Bytes, field: 2)}";
                if (point.Field == 4) value = BitConverter.UInt64BitsToDouble(point.Bits);
                if (point.Field == 6) value = (long)point.Bits;
            }
            Values[key] = value;
        }
    }

    /// <summary>The text of an attribute's value, which is a message whose first field is the text.</summary>
    private static string FirstText(ReadOnlySpan<byte> attribute, int field)
    {
        for (var part = new ProtobufReader(attribute); part.Next();)
        {
            if (part.Field != field) continue;
            for (var value = new ProtobufReader(part.Bytes); value.Next();)
                if (value.Field == 1) return Encoding.UTF8.GetString(value.Bytes);
        }
        return "";
    }

    private void ReadSpans(ReadOnlySpan<byte> request)
    {
        for (var resources = new ProtobufReader(request); resources.Next();)
            for (var scopes = new ProtobufReader(resources.Bytes); scopes.Next();)
                if (scopes.Field == 2)
                    for (var spans = new ProtobufReader(scopes.Bytes); spans.Next();)
                        if (spans.Field == 2) Spans.Enqueue(ReadSpan(spans.Bytes));
    }

    private static ReceivedSpan ReadSpan(ReadOnlySpan<byte> span)
    {
        string trace = "", id = "", name = "", parent = "";
        var links = new List<(string, string)>();
        var attributes = new Dictionary<string, string>();
        for (var field = new ProtobufReader(span); field.Next();)
        {
            switch (field.Field)
            {
                case 1: trace = Convert.ToHexStringLower(field.Bytes); break;
                case 2: id = Convert.ToHexStringLower(field.Bytes); break;
                case 4: parent = Convert.ToHexStringLower(field.Bytes); break;
                case 5: name = Encoding.UTF8.GetString(field.Bytes); break;
                case 9: attributes[KeyOf(field.Bytes)] = FirstText(field.Bytes, field: 2); break;
                case 13: links.Add(ReadLink(field.Bytes)); break;
            }
        }
        return new ReceivedSpan(trace, id, parent.Length == 0 ? null : parent, name, links, attributes);
    }

    private static string KeyOf(ReadOnlySpan<byte> attribute)
    {
        for (var part = new ProtobufReader(attribute); part.Next();)
            if (part.Field == 1) return Encoding.UTF8.GetString(part.Bytes);
        return "";
    }

    private static (string, string) ReadLink(ReadOnlySpan<byte> link)
    {
        string trace = "", id = "";
        for (var field = new ProtobufReader(link); field.Next();)
        {
            if (field.Field == 1) trace = Convert.ToHexStringLower(field.Bytes);
            if (field.Field == 2) id = Convert.ToHexStringLower(field.Bytes);
        }
        return (trace, id);
    }
}
