using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace FineTuneService.Tests.Hosting;

/// <summary>What proxies, probes and broken clients send over a real socket.</summary>
public sealed class WireTests(RunningService service) : IClassFixture<RunningService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET /v1/files/%00/content HTTP/1.1\r\nHost: a\r\n\r\n", 400)]
    [InlineData("GET /v1/files/%zz HTTP/1.1\r\nHost: a\r\n\r\n", 401)]
    [InlineData("GET /v1/../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404)]
    [InlineData("GET //v1/files HTTP/1.1\r\nHost: a\r\n\r\n", 404)]
    [InlineData("GET /tenants//v1/files HTTP/1.1\r\nHost: a\r\n\r\n", 401)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404)]
    [InlineData("TRACE /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405)]
    [InlineData("GET /healthz HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/3.7\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET http://b/v1/files HTTP/1.1\r\nHost: a\r\n\r\n", 401)]
    [InlineData("GET\r\n\r\n", 400)]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400)]
    [InlineData("POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n", 400)]
    [InlineData("POST /v1/tenants HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: zip\r\n\r\n", 400)]
    [InlineData("POST /v1/tenants HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer admin-key-of-the-tests\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n{}", 400)]
    public async Task Request_Odd_GetsTheErrorObject(string request, int status) => await Refused(request, status);

    [Fact]
    public async Task Request_TooLongAddressOrHeaders_GetsTheErrorObject()
    {
        await Refused($"GET /{new string('a', 20_000)} HTTP/1.1\r\nHost: a\r\n\r\n", 414);
        await Refused($"GET /healthz HTTP/1.1\r\nHost: a\r\nX: {new string('a', 60_000)}\r\n\r\n", 431);
    }

    [Fact]
    public async Task Request_AfterARefusedOneOnAnotherConnection_IsAnsweredAsEver()
    {
        await Refused("GET /v1/files/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
        // A file that looks like the server's own refusal is a file.
        const string content = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        string file = await service.Client.Upload(content);
        Assert.Equal(content, await service.Client.GetStringAsync($"/v1/files/{file}/content", Cancel));
    }

    [Theory, InlineData("/healthz"), InlineData("/readyz"), InlineData("/v1/files"), InlineData("/v1/models"), InlineData("/v1/models/talers-2m"), InlineData("/swagger/v1/swagger.json")]
    public async Task Head_OfWhatTakesGet_Is200WithoutABody(string path)
    {
        using HttpResponseMessage answer = await service.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Cancel));
    }

    [Fact]
    public async Task Head_OfADownload_SaysItsLength()
    {
        string file = await service.Client.Upload("twelve bytes");
        using HttpResponseMessage answer = await service.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, $"/v1/files/{file}/content"), Cancel);
        Assert.Equal((HttpStatusCode.OK, 12L), (answer.StatusCode, answer.Content.Headers.ContentLength));
    }

    [Fact]
    public async Task Head_OfWhatTakesOnlyPostOrIsNotThere_IsRefused()
    {
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await service.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/v1/completions"), Cancel)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await service.Client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/v1/nothing"), Cancel)).StatusCode);
    }

    [Theory, InlineData("gzip"), InlineData("br"), InlineData("deflate"), InlineData("identity"), InlineData("GZIP")]
    public async Task Post_CompressedBody_IsDecoded(string encoding)
    {
        HttpContent body = Compressed($"{{\"id\": \"zip-{Guid.NewGuid():n}\"}}", encoding);
        using HttpResponseMessage answer = await service.Admin.PostAsync("/v1/tenants", body, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Post_CharsetInQuotes_IsRead()
    {
        var body = new ByteArrayContent(Encoding.UTF8.GetBytes($"{{\"id\": \"q-{Guid.NewGuid():n}\"}}"));
        body.Headers.TryAddWithoutValidation("Content-Type", "application/json; charset=\"utf-8\"");
        using HttpResponseMessage answer = await service.Admin.PostAsync("/v1/tenants", body, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory, InlineData("compress"), InlineData("zstd"), InlineData("gzip, gzip")]
    public async Task Post_UnknownEncoding_Is415(string encoding) =>
        Assert.Contains("gzip", (string)(await service.Admin.PostAsync("/v1/tenants", Compressed("{}", encoding), Cancel).Error(HttpStatusCode.UnsupportedMediaType))["message"]!);

    [Fact]
    public async Task Post_NotWhatItsEncodingSays_Is400()
    {
        var body = new StringContent("{\"id\": \"plain\"}", Encoding.UTF8, "application/json");
        body.Headers.ContentEncoding.Add("gzip");
        Assert.Equal("invalid_encoding", (string?)(await service.Admin.PostAsync("/v1/tenants", body, Cancel).Error(HttpStatusCode.BadRequest))["code"]);
    }

    [Fact]
    public async Task Post_BodyOverTheLimitPlainOrUnpacked_Is413ThatNamesTheOption()
    {
        string large = $"{{\"id\": \"{new string('a', RunningService.MaxBodyBytes)}\"}}", bomb = $"{{\"id\": \"{new string('a', 40 << 20)}\"}}";
        foreach (HttpContent body in new[] { new StringContent(large, Encoding.UTF8, "application/json"), Compressed(bomb, "gzip"), Compressed(bomb, "br") })
            Assert.Contains("FineTune:MaxBodyBytes", (string)(await service.Admin.PostAsync("/v1/tenants", body, Cancel).Error(HttpStatusCode.RequestEntityTooLarge))["message"]!);
    }

    private static HttpContent Compressed(string json, string encoding)
    {
        using var bytes = new MemoryStream();
        Stream packer = encoding.ToLowerInvariant() switch
        {
            "gzip" => new GZipStream(bytes, CompressionLevel.Fastest, leaveOpen: true),
            "br" => new BrotliStream(bytes, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(bytes, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BufferedStream(bytes),
        };
        packer.Write(Encoding.UTF8.GetBytes(json));
        packer.Flush();
        if (packer is not BufferedStream) packer.Dispose();
        var content = new ByteArrayContent(bytes.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        return content;
    }

    /// <summary>Sends the bytes as they are, and reads the answer to the end of its error object.</summary>
    private async Task Refused(string request, int status)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(service.Client.BaseAddress!.Host, service.Client.BaseAddress.Port, Cancel);
        NetworkStream stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), Cancel);
        using var bytes = new MemoryStream();
        var buffer = new byte[4096];
        while (!Encoding.UTF8.GetString(bytes.ToArray()).Contains("}}", StringComparison.Ordinal))
        {
            int read = await stream.ReadAsync(buffer, Cancel);
            if (read == 0) break;
            bytes.Write(buffer, 0, read);
        }
        string answer = Encoding.UTF8.GetString(bytes.ToArray());
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
        Assert.Contains("x-request-id: req_", answer);
        string body = answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..];
        JsonNode error = JsonNode.Parse(body[body.IndexOf('{')..(body.LastIndexOf('}') + 1)])!["error"]!;
        Assert.NotEmpty((string)error["message"]!);
        Assert.Equal(["message", "type", "param", "code"], error.AsObject().Select(field => field.Key));
    }
}
