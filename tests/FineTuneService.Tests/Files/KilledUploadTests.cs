using System.Net.Sockets;
using System.Text;

namespace FineTuneService.Tests.Files;

/// <summary>Uploads whose connection, or whose service, ends in the middle.</summary>
[Waits]
public sealed class KilledUploadTests
{
    [Fact]
    public async Task Upload_ConnectionClosedOrServiceKilled_LeavesNothing()
    {
        using var data = new DataFolder();
        string key;
        using (var first = new ServiceProcess(data))
        {
            using HttpClient admin = await first.Client(TestService.AdminKey);
            await admin.Post("/v1/tenants", new { id = "acme" });
            key = (string)(await admin.Post("/v1/api_keys", new { tenant = "acme" }))["key"]!;
            using (await HalfAnUpload(admin.BaseAddress!, key)) await data.Wait("tmp", filled: true);
            await data.Wait("tmp", filled: false);
            using Socket open = await HalfAnUpload(admin.BaseAddress!, key);
            await data.Wait("tmp", filled: true);
            await first.Kill();
        }
        Assert.NotEmpty(data.Entries("tmp"));

        using var second = new ServiceProcess(data);
        using HttpClient client = await second.Client(key);
        Assert.Empty((await client.Get("/v1/files"))["data"]!.AsArray());
        Assert.Empty(data.Entries("tmp"));
        Assert.Empty(data.Entries(Path.Combine("blobs", "acme")));
    }

    /// <summary>A connection on which a megabyte was promised and half of it sent.</summary>
    private static async Task<Socket> HalfAnUpload(Uri address, string key)
    {
        const int promised = 1 << 20;
        string head = $"POST /v1/files HTTP/1.1\r\nHost: {address.Authority}\r\nAuthorization: Bearer {key}\r\n" +
            $"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {promised}\r\n\r\n" +
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(head + new string('x', promised / 2)));
        return socket;
    }
}
