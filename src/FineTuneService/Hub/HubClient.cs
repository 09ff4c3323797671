using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hub;

/// <summary>Speaks the hub's paths. The access token goes to the hub itself and never to where it redirects. One request each; who calls tries again.</summary>
internal sealed class HubClient(IOptions<FineTuneOptions> options, TimeProvider clock) : IDisposable
{
    private const int MostRedirects = 6, LargestListing = 32 << 20;
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30), LongestRetryAfter = TimeSpan.FromMinutes(10);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, // The token must not go along.
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None, // Checksums and ranges are of the bytes as they are stored.
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    private Uri Endpoint => new(options.Value.Hub.Endpoint.TrimEnd('/') + "/");

    /// <summary>The commit that a revision stands for, and the paths of its files.</summary>
    /// <exception cref="HubException">There is no such repository, or it is not for this token.</exception>
    /// <exception cref="HubTroubleException">The hub could not say; it may later.</exception>
    public async Task<(string Commit, IReadOnlyList<string> Paths)> List(HubSource source, string? token, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await Send(HttpMethod.Get, new Uri(Endpoint, $"api/models/{source.Repo}/revision/{Uri.EscapeDataString(source.Revision)}"), token, null, follow: _ => true, cancel);
        Require(answer, source, $"revision '{source.Revision}' of '{source.Repo}'");
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
            throw new HubException("invalid_hub_answer", $"{Endpoint} did not answer as a hub does when it was asked for '{source.Repo}'; check FineTune:Hub:Endpoint.");
        }
    }

    /// <summary>Size and checksum of a file.</summary>
    /// <inheritdoc cref="List"/>
    public async Task<HubFile> Describe(HubSource source, string commit, string path, string? token, CancellationToken cancel)
    {
        // The hub's own answer has them, before it redirects to where the bytes lie.
        static bool Tells(HttpResponseMessage answer) => answer.Headers.Contains("X-Linked-Etag") || answer.Headers.Contains("X-Linked-Size");
        HttpResponseMessage asked = await Send(HttpMethod.Head, Address(source, commit, path), token, null, follow: answer => !Tells(answer), cancel);
        if (asked.StatusCode is HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotImplemented)
        {
            // A mirror that knows no HEAD says the same of the bytes, which are not read.
            asked.Dispose();
            asked = await Send(HttpMethod.Get, Address(source, commit, path), token, null, follow: answer => !Tells(answer), cancel);
        }
        using HttpResponseMessage answer = asked;
        bool redirects = (int)answer.StatusCode is >= 300 and < 400;
        if (!redirects) Require(answer, source, $"'{path}' of '{source.Repo}'");
        string? size = Header(answer, "X-Linked-Size");
        return new HubFile(path, long.TryParse(size, out long linked) && linked >= 0 ? linked : redirects ? null : answer.Content.Headers.ContentLength,
            HubFile.ChecksumOf(Header(answer, "X-Linked-Etag") ?? Header(answer, "ETag")));
    }

    /// <summary>The bytes of a file from one on.</summary>
    /// <returns>The answer, 200 or 206, and the place that its bytes begin at; null where there is nothing behind that place.</returns>
    /// <inheritdoc cref="List"/>
    public async Task<(HttpResponseMessage Answer, long From)?> Open(HubSource source, string commit, string path, long from, string? token, CancellationToken cancel)
    {
        HttpResponseMessage answer = await Send(HttpMethod.Get, Address(source, commit, path), token, from > 0 ? new RangeHeaderValue(from, null) : null, follow: _ => true, cancel);
        if (answer.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && from > 0)
        {
            answer.Dispose();
            return null;
        }
        try
        {
            Require(answer, source, $"'{path}' of '{source.Repo}'");
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

    public void Dispose() => _http.Dispose();

    private Uri Address(HubSource source, string commit, string path) =>
        new(Endpoint, $"{source.Repo}/resolve/{Uri.EscapeDataString(commit)}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    /// <param name="follow">Whether to go where a redirect leads.</param>
    private async Task<HttpResponseMessage> Send(HttpMethod method, Uri address, string? token, RangeHeaderValue? range, Func<HttpResponseMessage, bool> follow, CancellationToken cancel)
    {
        for (int redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(method, address) { Headers = { Range = range } };
            request.Headers.TryAddWithoutValidation("User-Agent", "FineTuneService");
            request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
            if (token is not null && IsHub(address)) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            HttpResponseMessage answer = await Send(request, cancel);
            if ((int)answer.StatusCode is not (301 or 302 or 303 or 307 or 308) || answer.Headers.Location is not { } location || !follow(answer)) return answer;
            answer.Dispose();
            Uri next = new(address, location);
            if (next.Scheme != "https" && next.Scheme != Endpoint.Scheme) throw new HubException("unsafe_redirect", $"The hub redirects to {next.Scheme}://{next.Authority}, which is less safe than {Endpoint}; nothing is fetched from there.");
            if (redirects == MostRedirects) throw new HubException("too_many_redirects", $"The hub redirects more than {MostRedirects} times; check FineTune:Hub:Endpoint.");
            address = next;
        }
    }

    private async Task<HttpResponseMessage> Send(HttpRequestMessage request, CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(LongestAnswer);
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new HubTroubleException($"{request.RequestUri!.Authority} did not answer within {LongestAnswer.TotalSeconds:0} seconds");
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or SocketException)
        {
            throw new HubTroubleException($"{request.RequestUri!.Authority} cannot be reached: {failure.Message.TrimEnd('.')}", cause: failure);
        }
    }

    private bool IsHub(Uri address) => Uri.Compare(address, Endpoint, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0;

    private void Require(HttpResponseMessage answer, HubSource source, string what)
    {
        if (answer.IsSuccessStatusCode) return;
        string? said = Header(answer, "X-Error-Message") is { } message ? Errors.Clip(message).TrimEnd('.') : null;
        string because = said is null ? "" : $" ({said})";
        throw ((int)answer.StatusCode, Header(answer, "X-Error-Code")) switch
        {
            (401 or 403, "GatedRepo") or (403, _) => new HubException("gated_repo",
                $"'{source.Repo}' is gated{because}. Accept its terms on the hub with the account whose token this is, and send that token as token, or set FineTune:Hub:Token."),
            (401, _) => new HubException("repo_unauthorized",
                $"The hub asks for an access token for '{source.Repo}'{because}: it is private, gated or does not exist, or the token is not valid. Send one as token, or set FineTune:Hub:Token."),
            (404, _) or (410, _) => new HubException("repo_not_found", $"The hub has no {what}{because}. Check repo, revision and file."),
            (408 or 429 or >= 500, _) => new HubTroubleException($"the hub answered {(int)answer.StatusCode}{because}", RetryAfter(answer)),
            _ => new HubException("invalid_hub_answer", $"The hub answered {(int)answer.StatusCode} when it was asked for {what}{because}; check FineTune:Hub:Endpoint."),
        };
    }

    private TimeSpan? RetryAfter(HttpResponseMessage answer)
    {
        TimeSpan? wait = answer.Headers.RetryAfter?.Delta ?? (answer.Headers.RetryAfter?.Date is { } date ? date - clock.GetUtcNow() : null);
        return wait is null ? null : TimeSpan.FromSeconds(Math.Clamp(wait.Value.TotalSeconds, 0, LongestRetryAfter.TotalSeconds));
    }

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

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out IEnumerable<string>? values) || answer.Content.Headers.TryGetValues(name, out values) ? values.FirstOrDefault() : null;
}
