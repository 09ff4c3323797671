using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Demo.Client;

/// <summary>The service's API as one key's holder calls it.</summary>
internal sealed class ServiceClient : IDisposable
{
    private readonly HttpClient _http;

    public ServiceClient(Uri address, string key)
    {
        _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(5) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public async Task<JsonNode> GetAsync(string path) => await Read(await _http.GetAsync(path));

    public async Task<JsonNode> PostAsync(string path, object body) => await Read(await _http.PostAsJsonAsync(path, body));

    public async Task<HttpStatusCode> StatusOfGetAsync(string path) => (await _http.GetAsync(path)).StatusCode;

    public async Task<HttpStatusCode> StatusOfPostAsync(string path, object body) => (await _http.PostAsJsonAsync(path, body)).StatusCode;

    /// <summary>The bytes of an answer's body.</summary>
    public async Task<byte[]> DownloadAsync(string path) => await _http.GetByteArrayAsync(path);

    /// <returns>The file's id.</returns>
    public async Task<string> UploadAsync(string fileName, string content)
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent("fine-tune"), "purpose" },
            { new StringContent(content), "file", fileName },
        };
        return (string)(await Read(await _http.PostAsync("/v1/files", form)))["id"]!;
    }

    /// <summary>The model's greedy answer to one message.</summary>
    public async Task<string> ChatAsync(string model, string prompt, int maxTokens)
    {
        var answer = await PostAsync("/v1/chat/completions", ChatBody(model, prompt, maxTokens));
        return (string)answer["choices"]![0]!["message"]!["content"]!;
    }

    public static object ChatBody(string model, string prompt, int maxTokens) =>
        new { model, temperature = 0, max_tokens = maxTokens, messages = new[] { new { role = "user", content = prompt } } };

    /// <summary>The server-sent events of <paramref name="path"/>, until the server's [DONE].</summary>
    public async IAsyncEnumerable<JsonNode> EventsAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        answer.EnsureSuccessStatusCode();
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync());
        while (await lines.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: "))
                continue;
            if (line == "data: [DONE]")
                yield break;
            yield return JsonNode.Parse(line["data: ".Length..])!;
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<JsonNode> Read(HttpResponseMessage answer)
    {
        var body = await answer.Content.ReadAsStringAsync();
        if (!answer.IsSuccessStatusCode)
            throw new HttpRequestException($"{answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri!.PathAndQuery}: {(int)answer.StatusCode} {body}");
        return JsonNode.Parse(body) ?? throw new JsonException($"{answer.RequestMessage!.RequestUri} answered null.");
    }
}
