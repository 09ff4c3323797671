using System.Text;

namespace FineTuneService.Tests.Contract;

/// <summary>A stream of server-sent events whose data is told of as it is read.</summary>
/// <param name="told">Each event's data but [DONE].</param>
internal sealed class WatchedEvents(Stream events, Action<string> told) : Stream
{
    private readonly List<byte> _line = [];

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => Watch(buffer.AsSpan(offset, events.Read(buffer, offset, count)));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await events.ReadAsync(buffer, cancellationToken);
        return Watch(buffer.Span[..read]);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) events.Dispose();
        base.Dispose(disposing);
    }

    private int Watch(ReadOnlySpan<byte> read)
    {
        foreach (byte letter in read)
        {
            if (letter != '\n')
            {
                _line.Add(letter);
                continue;
            }
            string line = Encoding.UTF8.GetString([.. _line]);
            _line.Clear();
            if (line.StartsWith("data: ", StringComparison.Ordinal) && line != "data: [DONE]") told(line[6..]);
        }
        return read.Length;
    }
}
