using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace FineTuneService.Hub;

/// <summary>Speaks the hub's paths. One request each; who calls tries again.</summary>
internal sealed class HubClient(HubHttp http, TimeProvider clock)
{
    private const int LargestListing = 32 << 20;

    /// <summary>The commit that a revision stands for, and the paths of its files.</summary>
    /// <exception cref="HubException">There is no such repository, or it is not for this token.</exception>
    /// <exception cref="HubTroubleException">The hub could not say; it may later.</exception>
    public async Task<(string Commit, IReadOnlyList<string> Paths)> List(HubSource source, string? token, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await http.Send(HttpMethod.Get, new Uri(http.Endpoint, $"api/models/{source.Repo}/revision/{Uri.EscapeDataString(source.Revision)}"), token, null, follow: _ => true, cancel);
        answer.Require(source, $"revision '{source.Revision}' of '{source.Repo}'", clock);
        try
        {
            using var body = new MemoryStream();
            await Copy(await answer.Content.ReadAsStreamAsync(cancel), body, cancel);
            using JsonDocument json = JsonDocument.Parse(body.ToArray());
            string? sha = json.RootElement.TryGetProperty("sha", out JsonElement commit) ? commit.GetString() : null;
            string[] paths = [.. json.RootElement.GetProperty("siblings").EnumerateArray().Select(file => file.GetProperty("rfilename").GetString()!)];
            return (sha is not null && HubFileName.IsRevision(sha) ? sha : source.Revision, paths);
        }
        catch (Exception odd) when (odd is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new HubException("invalid_hub_answer", $"{http.Endpoint} did not answer as a hub does when it was asked for '{source.Repo}'; check FineTune:Hub:Endpoint.");
        }
    }

    /// <summary>Size and checksum of a file.</summary>
    /// <inheritdoc cref="List"/>
    public async Task<HubFile> Describe(HubSource source, string commit, string path, string? token, CancellationToken cancel)
    {
        // The hub's own answer has them, before it redirects to where the bytes lie.
        static bool Tells(HttpResponseMessage answer) => answer.Headers.Contains("X-Linked-Etag") || answer.Headers.Contains("X-Linked-Size");
        HttpResponseMessage asked = await http.Send(HttpMethod.Head, Address(source, commit, path), token, null, follow: answer => !Tells(answer), cancel);
        if (asked.StatusCode is HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
        {
            // A mirror that knows no HEAD says the same of the bytes, which are not read.
            asked.Dispose();
            asked = await http.Send(HttpMethod.Get, Address(source, commit, path), token, null, follow: answer => !Tells(answer), cancel);
        }
        using HttpResponseMessage answer = asked;
        bool redirects = (int)answer.StatusCode is >= 300 and < 400;
        if (!redirects) answer.Require(source, $"'{path}' of '{source.Repo}'", clock);
        string? size = answer.Header("X-Linked-Size");
        return new HubFile(path, long.TryParse(size, out long linked) && linked >= 0 ? linked : redirects ? null : answer.Content.Headers.ContentLength,
            HubFile.ChecksumOf(answer.Header("X-Linked-Etag") ?? answer.Header("ETag")));
    }

    /// <summary>The bytes of a file from one on.</summary>
    /// <returns>The answer, 200 or 206, and the place that its bytes begin at; null where there is nothing behind that place.</returns>
    /// <inheritdoc cref="List"/>
    public async Task<(HttpResponseMessage Answer, long From)?> Open(HubSource source, string commit, string path, long from, string? token, CancellationToken cancel)
    {
        HttpResponseMessage answer = await http.Send(HttpMethod.Get, Address(source, commit, path), token, from > 0 ? new RangeHeaderValue(from, null) : null, follow: _ => true, cancel);
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && from > 0)
        {
            answer.Dispose();
            return null;
        }
        try
        {
            answer.Require(source, $"'{path}' of '{source.Repo}'", clock);
            bool part = answer.StatusCode == HttpStatusCode.PartialContent;
            if (part && answer.Content.Headers.ContentRange?.From is { } other && other != from) throw new HubTroubleException($"the hub sent '{path}' from byte {other} instead of {from}");
            return (answer, part ? from : 0);
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }

    private Uri Address(HubSource source, string commit, string path) =>
        new(http.Endpoint, $"{source.Repo}/resolve/{Uri.EscapeDataString(commit)}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    private static async Task Copy(Stream from, MemoryStream to, CancellationToken cancel)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            for (int read; (read = await from.ReadAsync(buffer, cancel)) > 0;)
            {
                if (to.Length + read > LargestListing) throw new HubException("repo_too_large", "The repository's list of files is too long to be a model's.");
                to.Write(buffer, 0, read);
            }
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            throw new HubTroubleException($"the hub's answer broke off: {failure.Message.TrimEnd('.')}", cause: failure);
        }
    }
}
