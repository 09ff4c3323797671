using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace FineTuneService.Hosting;

/// <summary>
/// Kestrel refuses a request that it cannot parse (GET /v1/files/%00, headers of 40 KB) before any of this program runs, with a status
/// and no body. Here, where its bytes go to the connection, that answer gets the error object that every other one has.
/// </summary>
internal sealed class RefusalBodies(PipeWriter connection) : PipeWriter
{
    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);
    private Memory<byte> _given;

    /// <summary>This program is answering: what is written now is not Kestrel's.</summary>
    public bool IsAnswering { get; set; }

    public override void Advance(int bytes)
    {
        if (!IsAnswering && Replacement(_given.Span[..bytes]) is { } whole) connection.Write(whole);
        else connection.Advance(bytes);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => _given = connection.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override bool CanGetUnflushedBytes => connection.CanGetUnflushedBytes;

    public override long UnflushedBytes => connection.UnflushedBytes;

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => connection.FlushAsync(cancellationToken);

    public override void CancelPendingFlush() => connection.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => connection.Complete(exception);

    /// <summary>The answer with a body, where these bytes are a whole refusal without one.</summary>
    private static byte[]? Replacement(ReadOnlySpan<byte> answer)
    {
        if (!answer.StartsWith("HTTP/1.1 4"u8) && !answer.StartsWith("HTTP/1.1 505"u8)) return null;
        if (!answer.EndsWith("\r\n\r\n"u8) || answer.IndexOf("Content-Length: 0\r\n"u8) < 0 || answer.IndexOf("Connection: close\r\n"u8) < 0) return null;
        int status = int.Parse(answer[9..12], CultureInfo.InvariantCulture);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(Errors.Body(status, Message(status), "malformed_request", null), Json.Options);
        string line = Encoding.ASCII.GetString(answer[..answer.IndexOfAny(LineEnds)]);
        string head = $"{line}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {body.Length}\r\nConnection: close\r\n{RequestIds.Header}: {Ids.New("req")}\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }

    /// <summary>What a refusal by its status alone means.</summary>
    public static string Message(int status) => status switch
    {
        408 => "The request did not arrive in time; send it again.",
        411 => "The request has a body of unknown length; send Content-Length, or Transfer-Encoding: chunked.",
        413 => "The body is too large; FineTune:MaxUploadBytes is the limit.",
        414 => "The address of the request is too long; send what is in it as a body.",
        431 => "The headers of the request are too large or too many; send fewer.",
        505 => "This version of HTTP is not spoken here; use HTTP/1.1.",
        _ => "The request line, its path, a header or the body is malformed; see what your client or proxy sends.",
    };
}

internal static class RefusalBodiesSetup
{
    public static void UseRefusalBodies(this ListenOptions endpoint) => endpoint.Use(next => connection =>
    {
        var output = new RefusalBodies(connection.Transport.Output);
        connection.Transport = new Wires(connection.Transport.Input, output);
        connection.Items[typeof(RefusalBodies)] = output;
        return next(connection);
    });

    /// <summary>Says whether this program is answering on the request's connection; there is none where tests call it in memory.</summary>
    public static void Answering(this HttpContext context, bool isAnswering)
    {
        if (context.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(typeof(RefusalBodies), out object? output) == true)
            ((RefusalBodies)output!).IsAnswering = isAnswering;
    }

    private sealed record Wires(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
