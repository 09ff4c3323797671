using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Soak;

/// <summary>One tenant's key, with every status that it was answered counted.</summary>
internal sealed class Caller : IDisposable
{
    private readonly HttpClient _http;
    private readonly Findings _findings;

    public Caller(Uri address, string key, string name, Findings findings)
    {
        _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(3) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        (Name, _findings) = (name, findings);
    }

    public string Name { get; }

    public Task<Reply> Get(string path, CancellationToken cancel = default) => Send(new HttpRequestMessage(HttpMethod.Get, path), cancel);
    public Task<Reply> Delete(string path, CancellationToken cancel = default) => Send(new HttpRequestMessage(HttpMethod.Delete, path), cancel);
    public Task<Reply> Post(string path, object body, CancellationToken cancel = default) =>
        Send(new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) }, cancel);

    public Task<Reply> Upload(string path, string fileName, byte[] content, string? purpose, CancellationToken cancel = default)
    {
        var form = new MultipartFormDataContent();
        if (purpose is not null) form.Add(new StringContent(purpose), "purpose");
        form.Add(new ByteArrayContent(content), "file", fileName);
        return Send(new HttpRequestMessage(HttpMethod.Post, path) { Content = form }, cancel);
    }

    /// <summary>A bare answer's bytes.</summary>
    public async Task<byte[]?> Download(string path, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await _http.GetAsync(path, cancel);
        _findings.Answered(Name, path, answer);
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync(cancel) : null;
    }

    /// <summary>Streams a chat, and says how long each token was waited for.</summary>
    /// <param name="leaveAfter">Tokens after which the client hangs up; null: it stays to the end.</param>
    /// <returns>The text, or null where no stream began or it ended with an error.</returns>
    public async Task<string?> Stream(object body, Action<TimeSpan>? gap, int? leaveAfter, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = JsonContent.Create(body) };
        using HttpResponseMessage answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel);
        string refusal = answer.IsSuccessStatusCode ? "" : await answer.Content.ReadAsStringAsync(cancel);
        _findings.Answered(Name, request.RequestUri!.ToString(), answer, refusal);
        if ((int)answer.StatusCode is >= 400 and < 500) _findings.Fault($"{Name}: an honest stream was refused: {refusal}");
        if (!answer.IsSuccessStatusCode) return null;
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(cancel));
        var text = new System.Text.StringBuilder();
        long last = Stopwatch.GetTimestamp();
        int tokens = 0;
        while (await lines.ReadLineAsync(cancel) is { } line)
        {
            if (!line.StartsWith("data: ", StringComparison.Ordinal)) continue;
            if (line == "data: [DONE]") return text.ToString();
            JsonNode chunk = JsonNode.Parse(line["data: ".Length..])!;
            if (chunk["error"] is not null) return null;
            text.Append((string?)chunk["choices"]?[0]?["delta"]?["content"]);
            if (tokens++ > 1) gap?.Invoke(Stopwatch.GetElapsedTime(last)); // The first is the role's chunk, the second waits for its place.
            last = Stopwatch.GetTimestamp();
            if (tokens > leaveAfter) return null;
        }
        _findings.Fault($"{Name}: a stream ended without [DONE] and without an error");
        return null;
    }

    public void Dispose() => _http.Dispose();

    private async Task<Reply> Send(HttpRequestMessage request, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await _http.SendAsync(request, cancel);
        string body = await answer.Content.ReadAsStringAsync(cancel);
        _findings.Answered(Name, request.RequestUri!.ToString(), answer, body);
        JsonNode? json = null;
        try
        {
            json = JsonNode.Parse(body);
        }
        catch (System.Text.Json.JsonException)
        {
            _findings.Fault($"{Name}: {request.Method} {request.RequestUri} answered {(int)answer.StatusCode} without JSON: {body}");
        }
        return new Reply((int)answer.StatusCode, json);
    }
}

/// <summary>A status and the JSON that came with it.</summary>
internal sealed record Reply(int Status, JsonNode? Body)
{
    public bool Succeeded => Status is >= 200 and < 300;
    public string Text(string field) => (string?)Body?[field] ?? throw new InvalidOperationException($"{Status} without {field}: {Body?.ToJsonString()}");
}
