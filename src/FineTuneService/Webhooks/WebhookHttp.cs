using System.Net;
using System.Net.Sockets;

namespace FineTuneService.Webhooks;

/// <summary>How webhooks are sent: to no private address, which is asked of what the name stands for at the moment of connecting, and where nothing redirects.</summary>
internal static class WebhookHttp
{
    private const long LargestAnswer = 64 * 1024;

    public static HttpClient Client(bool allowPrivate) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        // A name may stand for another address tomorrow.
        PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        ConnectCallback = (context, cancel) => Connect(context.DnsEndPoint, allowPrivate, cancel),
    })
    { MaxResponseContentBufferSize = LargestAnswer, Timeout = Timeout.InfiniteTimeSpan };

    private static async ValueTask<Stream> Connect(DnsEndPoint where, bool allowPrivate, CancellationToken cancel)
    {
        IPAddress[] found = await Dns.GetHostAddressesAsync(where.Host, cancel);
        IPAddress[] allowed = [.. found.Where(address => allowPrivate || !PrivateAddresses.Contains(address))];
        if (allowed.Length == 0) throw new HttpRequestException($"{where.Host} stands for a private address, which webhooks are not sent to (FineTune:AllowPrivateWebhooks)");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, where.Port, cancel);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
