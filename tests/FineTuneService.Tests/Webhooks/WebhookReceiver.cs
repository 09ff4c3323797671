using System.Collections.Concurrent;
using System.Net;

namespace FineTuneService.Tests.Webhooks;

/// <summary>What a webhook's receiver got.</summary>
internal sealed record ReceivedWebhook(string Id, string Timestamp, string Signature, string Body);

/// <summary>A receiver on 127.0.0.1 that fails as often as it is told to, and then takes what comes.</summary>
internal sealed class WebhookReceiver : IDisposable
{
    private readonly HttpListener _listener = new();
    private int _failures;

    public WebhookReceiver(int failures)
    {
        _failures = failures;
        using (var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
        }
        _listener.Prefixes.Add(Url);
        _listener.Start();
        _ = Serve();
    }

    public string Url { get; }

    public ConcurrentQueue<ReceivedWebhook> Received { get; } = [];

    public void Dispose() => _listener.Close();

    private async Task Serve()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context = await _listener.GetContextAsync();
            using var reader = new StreamReader(context.Request.InputStream);
            System.Collections.Specialized.NameValueCollection headers = context.Request.Headers;
            Received.Enqueue(new ReceivedWebhook(headers["webhook-id"]!, headers["webhook-timestamp"]!, headers["webhook-signature"]!, await reader.ReadToEndAsync()));
            context.Response.StatusCode = Interlocked.Decrement(ref _failures) >= 0 ? 500 : 204;
            context.Response.Close();
        }
    }
}
