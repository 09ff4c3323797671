using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;

namespace FineTuneService.Tests.Hosting;

/// <summary>A stop waits for nobody who could hold it up.</summary>
[Waits]
public sealed class ShutdownTests
{
    // Five seconds are promised; the machine may be busy.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(12);

    [Fact]
    public async Task Terminate_OpenStreamStalledUploadAndSilentCollector_EndsSoon()
    {
        using var collector = new TcpListener(IPAddress.Loopback, 0); // It takes connections and never answers.
        collector.Start();
        using var data = new DataFolder();
        using var service = new ServiceProcess(data, ("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://{collector.LocalEndpoint}"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"));
        using HttpClient admin = await service.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        string key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
        using HttpClient client = await service.Client(key);
        string file = await client.Upload(string.Concat(Enumerable.Repeat("{\"prompt\": \"a\", \"completion\": \" b\"}\n", 40)));
        string job = (string)(await client.Post("/v1/fine_tuning/jobs", new { model = TestService.BaseModel, training_file = file, training = new { epochs = 1000, batch_size = 1 } }))["id"]!;
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/fine_tuning/jobs/{job}/events") { Headers = { { "Accept", "text/event-stream" } } };
        using HttpResponseMessage stream = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Task<string> read = stream.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using Socket upload = await StalledUpload(client.BaseAddress!, key);
        await data.Wait("tmp", filled: true);

        long began = Stopwatch.GetTimestamp();
        Assert.Equal(0, await service.Terminate());
        Assert.InRange(Stopwatch.GetElapsedTime(began), TimeSpan.Zero, Limit);
        // The stream has ended as a whole one, and without the mark of a job's end: the client resumes.
        Assert.DoesNotContain("[DONE]", await read);
    }

    [Fact]
    public async Task Terminate_AnswerUnderWay_IsAnsweredToItsEnd()
    {
        using var data = new DataFolder();
        using var service = new ServiceProcess(data);
        using HttpClient admin = await service.Client(TestService.AdminKey);
        await admin.Post("/v1/tenants", new { id = "acme" });
        using HttpClient client = await service.Client((string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!);
        // Several, and on through any stop token's likelihood, so that the signal comes in their middle.
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new { model = TestService.BaseModel, prompt = "The red", n = 8, max_tokens = 150, temperature = 1.5, stream = true }),
        };
        using HttpResponseMessage answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Task<string> read = answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, await service.Terminate());
        Assert.EndsWith("data: [DONE]\n\n", await read);
    }

    private static async Task<Socket> StalledUpload(Uri address, string key)
    {
        string head = $"POST /v1/files HTTP/1.1\r\nHost: {address.Authority}\r\nAuthorization: Bearer {key}\r\nContent-Type: multipart/form-data; boundary=b\r\n" +
            "Content-Length: 1000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf";
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(head + new string('x', 100_000)));
        return socket;
    }
}
