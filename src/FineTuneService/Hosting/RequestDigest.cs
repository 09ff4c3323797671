using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace FineTuneService.Hosting;

/// <summary>
/// Takes the digest of a body while somebody else reads it. A client that sends a form again gives it another boundary: where one stands, at the
/// begin of a line, it counts as the same.
/// </summary>
internal sealed class RequestDigest : ReadOnlyStream
{
    private readonly Stream _body;
    private readonly byte[] _boundary;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<byte> _lineStart = [];
    private bool _atLineStart = true;

    public RequestDigest(HttpRequest request)
    {
        _body = request.Body;
        string? boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type) ? HeaderUtilities.RemoveQuotes(type.Boundary).Value : null;
        _boundary = string.IsNullOrEmpty(boundary) ? [] : Encoding.UTF8.GetBytes("--" + boundary);
        _hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method} {request.Path}{request.QueryString}\n"));
    }

    /// <summary>Of all that the body has, read or not, in hex.</summary>
    public async Task<string> Finish(CancellationToken cancel)
    {
        var rest = new byte[81920];
        while (await ReadAsync(rest, cancel) > 0)
        {
        }
        _hash.AppendData(_lineStart.ToArray());
        return Convert.ToHexStringLower(_hash.GetHashAndReset());
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await _body.ReadAsync(buffer, cancellationToken);
        Append(buffer.Span[..read]);
        return read;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _hash.Dispose();
        base.Dispose(disposing);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (_boundary.Length == 0)
        {
            _hash.AppendData(bytes);
            return;
        }
        while (bytes.Length > 0)
        {
            if (_atLineStart)
            {
                // Held back until it is the boundary, or cannot be.
                byte next = bytes[0];
                bytes = bytes[1..];
                if (next == _boundary[_lineStart.Count])
                {
                    _lineStart.Add(next);
                    if (_lineStart.Count < _boundary.Length) continue;
                    _hash.AppendData("--boundary"u8);
                }
                else
                {
                    _lineStart.Add(next);
                    _hash.AppendData(_lineStart.ToArray());
                }
                _lineStart.Clear();
                _atLineStart = next == '\n';
                continue;
            }
            int end = bytes.IndexOf((byte)'\n');
            ReadOnlySpan<byte> line = end < 0 ? bytes : bytes[..(end + 1)];
            _hash.AppendData(line);
            _atLineStart = end >= 0;
            bytes = bytes[line.Length..];
        }
    }
}
