using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using FineTuneService.Hosting;
using Microsoft.Extensions.Options;

namespace FineTuneService.Hub;

/// <summary>One request to the hub and where it redirects. The access token goes to the hub itself and never along.</summary>
internal sealed class HubHttp(IOptions<FineTuneOptions> options) : IDisposable
{
    private const int MostRedirects = 6;
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, // The token must not go along.
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None, // Checksums and ranges are of the bytes as they are stored.
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public Uri Endpoint => new(options.Value.Hub.Endpoint.TrimEnd('/') + "/");

    /// <param name="follow">Whether to go where a redirect leads.</param>
    public async Task<HttpResponseMessage> Send(HttpMethod method, Uri address, string? token, RangeHeaderValue? range, Func<HttpResponseMessage, bool> follow, CancellationToken cancel)
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

    public void Dispose() => _http.Dispose();
}
