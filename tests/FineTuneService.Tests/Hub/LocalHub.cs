using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace FineTuneService.Tests.Hub;

/// <summary>A repository, and what goes wrong with it.</summary>
internal sealed class LocalRepo
{
    public required Dictionary<string, byte[]> Files { get; init; }
    public string Commit { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(20));

    /// <summary>Asked of every call to the hub; null: public.</summary>
    public string? Token { get; init; }

    /// <summary>Bytes after which a connection to where the weights lie ends.</summary>
    public int? BreaksAfter { get; set; }

    /// <summary>Between chunks of 64 KiB of weights.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>A file that is not what the hub says of it.</summary>
    public string? Damaged { get; set; }

    /// <summary>HEAD is answered with 405, as mirrors do that know no such method.</summary>
    public bool KnowsNoHead { get; init; }

    /// <summary>The next calls to the hub that are answered with 429 and Retry-After.</summary>
    public int Busy;

    /// <summary>Sizes that the hub gives instead of the right ones.</summary>
    public Dictionary<string, long> Sizes { get; init; } = [];
}

/// <summary>A call to the hub, or to where its weights lie.</summary>
internal sealed record HubCall(bool IsHub, string Method, string Path, string? Authorization, string? Range);

/// <summary>Speaks the hub's paths on one port of 127.0.0.1, and keeps large files behind another, as the hub does with its CDN.</summary>
internal sealed class LocalHub : IAsyncDisposable
{
    private static readonly string[] Large = [".safetensors", ".bin", ".gguf", ".model"];

    private readonly WebApplication _app;
    private readonly int _port, _cdnPort;

    public LocalHub()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting(WebHostDefaults.PreventHostingStartupKey, "true");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        _app = builder.Build();
        _app.Run(Answer);
        _app.StartAsync().GetAwaiter().GetResult();
        int[] ports = [.. _app.Urls.Select(url => new Uri(url).Port)];
        (_port, _cdnPort) = (ports[0], ports[1]);
    }

    public string Endpoint => $"http://127.0.0.1:{_port}";

    public ConcurrentDictionary<string, LocalRepo> Repos { get; } = new();

    public ConcurrentQueue<HubCall> Calls { get; } = [];

    /// <summary>What was asked about one repository.</summary>
    public IEnumerable<HubCall> Of(string repo) => Calls.Where(call => call.Path.Contains($"/{repo}/", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private Task Answer(HttpContext context)
    {
        string path = context.Request.Path;
        bool isHub = context.Connection.LocalPort == _port;
        Calls.Enqueue(new HubCall(isHub, context.Request.Method, path, context.Request.Headers.Authorization.FirstOrDefault(), context.Request.Headers.Range.FirstOrDefault()));
        string[] parts = path.Trim('/').Split('/');
        if (!isHub) return Bytes(context, Repos[$"{parts[0]}/{parts[1]}"], string.Join('/', parts[2..]), large: true);
        bool lists = parts is ["api", "models", _, _, "revision", _];
        if (!lists && parts is not [_, _, "resolve", _, ..] || !Repos.TryGetValue(lists ? $"{parts[2]}/{parts[3]}" : $"{parts[0]}/{parts[1]}", out LocalRepo? repo)) return Status(context, 404, "RepoNotFound");
        if (repo.Token is not null && context.Request.Headers.Authorization != $"Bearer {repo.Token}")
            return Status(context, context.Request.Headers.Authorization.Count == 0 ? 401 : 403, "GatedRepo", "Access to this model is restricted");
        if (repo.KnowsNoHead && context.Request.Method == "HEAD") return Status(context, 405, null);
        if (Interlocked.Decrement(ref repo.Busy) >= 0)
        {
            context.Response.Headers.RetryAfter = "0";
            return Status(context, 429, null);
        }
        if (lists)
        {
            return parts[5] is "main" || parts[5] == repo.Commit
                ? context.Response.WriteAsJsonAsync(new { id = $"{parts[2]}/{parts[3]}", sha = repo.Commit, siblings = repo.Files.Keys.Select(rfilename => new { rfilename }) }) : Status(context, 404, "RevisionNotFound");
        }
        string file = string.Join('/', parts[4..]);
        if (parts[3] != repo.Commit || !repo.Files.TryGetValue(file, out byte[]? bytes)) return Status(context, 404, "EntryNotFound");
        context.Response.Headers["X-Repo-Commit"] = repo.Commit;
        if (!Large.Contains(Path.GetExtension(file))) return Bytes(context, repo, file, large: false);
        context.Response.Headers["X-Linked-Etag"] = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"";
        context.Response.Headers["X-Linked-Size"] = $"{repo.Sizes.GetValueOrDefault(file, bytes.Length)}";
        context.Response.StatusCode = 302;
        context.Response.Headers.Location = $"http://127.0.0.1:{_cdnPort}/{parts[0]}/{parts[1]}/{file}";
        return Task.CompletedTask;
    }

    private static async Task Bytes(HttpContext context, LocalRepo repo, string file, bool large)
    {
        byte[] bytes = repo.Files[file];
        // Git's hash of a small file.
        if (!large) context.Response.Headers.ETag = $"\"{Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]))}\"";
        if (repo.Damaged == file) bytes = [.. bytes[..^1], (byte)(bytes[^1] ^ 1)];
        int from = 0;
        if (context.Request.Headers.Range.FirstOrDefault() is { } range)
        {
            from = int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
            context.Response.StatusCode = 206;
            context.Response.Headers.ContentRange = $"bytes {from}-{bytes.Length - 1}/{bytes.Length}";
        }
        context.Response.ContentLength = bytes.Length - from;
        if (context.Request.Method == "HEAD") return;
        for (int at = from; at < bytes.Length; at += 64 * 1024)
        {
            if (large && at - from >= repo.BreaksAfter)
            {
                context.Abort();
                return;
            }
            await context.Response.Body.WriteAsync(bytes.AsMemory(at, Math.Min(64 * 1024, bytes.Length - at)));
            if (!large || repo.Delay == default) continue;
            await context.Response.Body.FlushAsync();
            await Task.Delay(repo.Delay);
        }
    }

    private static Task Status(HttpContext context, int status, string? code, string? message = null)
    {
        context.Response.StatusCode = status;
        if (code is not null) context.Response.Headers["X-Error-Code"] = code;
        if (message is not null) context.Response.Headers["X-Error-Message"] = message;
        return Task.CompletedTask;
    }
}
