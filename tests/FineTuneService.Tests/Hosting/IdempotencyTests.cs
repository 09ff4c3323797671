using System.Net;
using System.Net.Http.Json;
using System.Text;

namespace FineTuneService.Tests.Hosting;

/// <summary>Idempotency-Key: the same again is the first answer again, whatever was asked.</summary>
public sealed class IdempotencyTests(TestService service) : IClassFixture<TestService>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Post_SameKeyAndBody_AnswersTheFirstAgain()
    {
        HttpClient client = await Client();
        object body = new { filename = "a", purpose = "batch", bytes = 5, mime_type = "text/plain" };
        string first = await Text(client, "/v1/uploads", "one", JsonContent.Create(body)), again = await Text(client, "/v1/uploads", "one", JsonContent.Create(body));
        Assert.Equal(first, again);
        Assert.NotEqual(first, await Text(client, "/v1/uploads", "two", JsonContent.Create(body)));
        HttpClient other = await Client();
        Assert.NotEqual(first, await Text(other, "/v1/uploads", "one", JsonContent.Create(body)));
    }

    [Fact]
    public async Task Post_SameKeyAnotherBodyOrPath_Is409()
    {
        HttpClient client = await Client();
        await Text(client, "/v1/tokenize", "k", JsonContent.Create(new { model = TestService.BaseModel, prompt = "a" }));
        Assert.Equal("idempotency_key_reused", (string?)(await Send(client, "/v1/tokenize", "k", JsonContent.Create(new { model = TestService.BaseModel, prompt = "b" })).Error(HttpStatusCode.Conflict))["code"]);
        await Send(client, "/v1/chat/template", "k", JsonContent.Create(new { model = TestService.BaseModel, prompt = "a" })).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Post_SameFormWithAnotherBoundary_IsTheSame()
    {
        HttpClient client = await Client();
        string first = await Text(client, "/v1/files", "form", Form("one", "abc\n--on\n--"));
        Assert.Equal(first, await Text(client, "/v1/files", "form", Form("another", "abc\n--on\n--")));
        Assert.Single((await client.Get("/v1/files"))["data"]!.AsArray());
        await Send(client, "/v1/files", "form", Form("one", "abd")).Error(HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Chat_StreamedWithAKey_StreamsTheSameAgain()
    {
        HttpClient client = await Client();
        object body = MadeAdapter.Question(TestService.BaseModel, 6, "Repeat: red stone", temperature: 1.5, stream: true);
        string first = await Text(client, "/v1/chat/completions", "s", JsonContent.Create(body));
        Assert.EndsWith("data: [DONE]\n\n", first);
        Assert.Equal(first, await Text(client, "/v1/chat/completions", "s", JsonContent.Create(body)));
    }

    [Fact]
    public async Task Post_Refused_IsRefusedTheSameAgainAndALongKeyByName()
    {
        HttpClient client = await Client();
        object body = new { model = "none", prompt = "a" };
        string first = await (await Send(client, "/v1/tokenize", "r", JsonContent.Create(body))).Content.ReadAsStringAsync(Cancel);
        HttpResponseMessage again = await Send(client, "/v1/tokenize", "r", JsonContent.Create(body));
        Assert.Equal((HttpStatusCode.NotFound, first), (again.StatusCode, await again.Content.ReadAsStringAsync(Cancel)));
        Assert.Equal("true", again.Headers.GetValues("idempotent-replayed").Single());
        await Send(client, "/v1/tokenize", new string('k', 300), JsonContent.Create(body)).Error(HttpStatusCode.BadRequest);
    }

    private static HttpContent Form(string boundary, string content)
    {
        string text = $"--{boundary}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n{content}\r\n--{boundary}--\r\n";
        var body = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        body.Headers.TryAddWithoutValidation("Content-Type", $"multipart/form-data; boundary={boundary}");
        return body;
    }

    private static async Task<string> Text(HttpClient client, string path, string key, HttpContent body)
    {
        HttpResponseMessage answer = await Send(client, path, key, body);
        string text = await answer.Content.ReadAsStringAsync(Cancel);
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    private static Task<HttpResponseMessage> Send(HttpClient client, string path, string key, HttpContent body) =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = body, Headers = { { "Idempotency-Key", key } } }, Cancel);

    private async Task<HttpClient> Client() => service.With(await service.NewTenant($"t{Guid.NewGuid():n}"));
}
