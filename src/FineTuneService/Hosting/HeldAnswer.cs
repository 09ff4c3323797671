namespace FineTuneService.Hosting;

/// <summary>
/// An answer's bytes, held back until they are let go of. One that is flushed on its way (a stream of events), or grows too large, goes to the client as
/// it comes, and is kept beside as far as there is room.
/// </summary>
/// <param name="most">Bytes that are held.</param>
/// <param name="isStream">Whether a flush is a stream's; a JSON answer is flushed by whoever wrote it, at its end.</param>
internal sealed class HeldAnswer(Stream client, int most, Func<bool> isStream) : Stream
{
    private readonly MemoryStream _kept = new();
    private bool _passes, _tooLarge;

    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>All of it, or null where it was too large.</summary>
    public byte[]? Whole => _tooLarge ? null : _kept.ToArray();

    /// <summary>Gives the client what is held.</summary>
    public async Task LetGo()
    {
        if (_passes) return;
        _passes = true;
        _kept.Position = 0;
        await _kept.CopyToAsync(client);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_passes && _kept.Length + buffer.Length > most) await LetGo();
        if (_passes) await client.WriteAsync(buffer, cancellationToken);
        _tooLarge |= _kept.Length + buffer.Length > most;
        if (!_tooLarge) _kept.Write(buffer.Span);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task FlushAsync(CancellationToken cancellationToken)
    {
        if (!isStream()) return;
        await LetGo();
        await client.FlushAsync(cancellationToken);
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
