using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace FineTuneService.Benchmarks.Torture;

/// <summary>One tenant's calls to a service that may die at any of them: null where no answer came.</summary>
internal sealed class TortureClient : IDisposable
{
    private readonly HttpClient _http;

    public TortureClient(Uri address, string key)
    {
        _http = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromMinutes(2) };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public Task<JsonNode?> Get(string path) => Send(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<JsonNode?> Delete(string path) => Send(new HttpRequestMessage(HttpMethod.Delete, path));

    public Task<JsonNode?> Post(string path, object body) => Send(new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) });

    public Task<JsonNode?> Upload(HttpContent file, string name) =>
        Send(new HttpRequestMessage(HttpMethod.Post, "/v1/files") { Content = new MultipartFormDataContent { { new StringContent("fine-tune"), "purpose" }, { file, "file", name } } });

    /// <summary>The bytes of a 200, or null.</summary>
    public async Task<byte[]?> Download(string path)
    {
        try
        {
            using HttpResponseMessage answer = await _http.GetAsync(path);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync() : null;
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose() => _http.Dispose();

    /// <returns>The JSON of a 2xx; null where another or none came.</returns>
    private async Task<JsonNode?> Send(HttpRequestMessage request)
    {
        try
        {
            using (request)
            {
                using HttpResponseMessage answer = await _http.SendAsync(request);
                return answer.IsSuccessStatusCode ? JsonNode.Parse(await answer.Content.ReadAsStringAsync()) : null;
            }
        }
        catch (Exception gone) when (gone is HttpRequestException or IOException or OperationCanceledException)
        {
            return null;
        }
    }
}
