namespace FineTuneService.Engine.Datasets;

/// <summary>A stream's bytes that are not taken yet. What is looked at grows the buffer; what is taken leaves it.</summary>
internal sealed class StreamBuffer(Stream stream)
{
    /// <summary>Bytes of the longest row: 4 million tokens, more than any model's context.</summary>
    public const int MostBytes = 32 << 20;

    private byte[] _buffer = new byte[64 << 10];
    private int _start, _end;

    public ReadOnlyMemory<byte> Unread => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Nothing comes behind <see cref="Unread"/>.</summary>
    public bool Ended { get; private set; }

    /// <summary>1-based line on which <see cref="Unread"/> begins.</summary>
    public int Line { get; private set; } = 1;

    public void Take(int count)
    {
        Line += _buffer.AsSpan(_start, count).Count((byte)'\n');
        _start += count;
    }

    /// <summary>Reads until there are so many bytes, or the stream ends.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        while (!Ended && _end - _start < count) Fill();
        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Reads more, into twice the room where there is none left. What <see cref="Unread"/> gave before is no longer valid.</summary>
    public void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length)
        {
            if (_buffer.Length >= MostBytes) throw new DatasetException(Line, $"a row is longer than {MostBytes >> 20} MB: longer than any model can read.");
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
        var read = stream.Read(_buffer, _end, _buffer.Length - _end);
        Ended = read == 0;
        _end += read;
    }

    /// <summary>Reads until the room is full or the stream ends, so that looking again is worth it.</summary>
    public void FillUp()
    {
        do Fill();
        while (!Ended && _end < _buffer.Length);
    }
}
