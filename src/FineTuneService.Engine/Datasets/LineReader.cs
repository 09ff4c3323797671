namespace FineTuneService.Engine.Datasets;

/// <summary>Lines of a stream as bytes, without their line feed. Only one line is held at a time.</summary>
internal sealed class LineReader(Stream stream)
{
    /// <summary>Bytes of the longest line read.</summary>
    private const int MaxLine = 256 << 20;

    private byte[] _buffer = new byte[64 << 10];
    private int _start, _end;
    private bool _ended;

    /// <summary>1-based number of the line that <see cref="Next"/> gave last.</summary>
    public int Line { get; private set; }

    /// <summary>Up to <paramref name="count"/> bytes from the start of the stream, before any line is read.</summary>
    public ReadOnlyMemory<byte> Peek(int count)
    {
        while (!_ended && _end - _start < count) Fill();
        return _buffer.AsMemory(_start, Math.Min(count, _end - _start));
    }

    public void Skip(int count) => _start += count;

    /// <summary>The next line, valid until the call after it; null at the end. A last line may lack its line feed.</summary>
    public ReadOnlyMemory<byte>? Next()
    {
        var searched = 0;
        while (true)
        {
            var at = _buffer.AsSpan(_start + searched, _end - _start - searched).IndexOf((byte)'\n');
            if (at >= 0 || _ended)
            {
                var length = at >= 0 ? searched + at : _end - _start;
                if (at < 0 && length == 0) return null;
                var line = _buffer.AsMemory(_start, length);
                _start += at >= 0 ? length + 1 : length;
                Line++;
                return line;
            }
            searched = _end - _start;
            Fill();
        }
    }

    private void Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        if (_end == _buffer.Length)
        {
            if (_buffer.Length >= MaxLine) throw new DatasetException(Line + 1, $"the line is longer than {MaxLine:N0} bytes.");
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
        var read = stream.Read(_buffer, _end, _buffer.Length - _end);
        _ended = read == 0;
        _end += read;
    }
}
