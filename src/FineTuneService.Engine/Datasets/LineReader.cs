namespace FineTuneService.Engine.Datasets;

/// <summary>Lines of a stream as bytes, without their line feed. Only one line is held at a time.</summary>
internal sealed class LineReader(Stream stream)
{
    /// <summary>Bytes of the longest line read.</summary>
    private const int MaxLine = 256 << 20;

    private byte[] buffer = new byte[64 << 10];
    private int start, end;
    private bool ended;

    /// <summary>1-based number of the line that <see cref="Next"/> gave last.</summary>
    public int Line { get; private set; }

    /// <summary>Up to <paramref name="count"/> bytes from the start of the stream, before any line is read.</summary>
    public ReadOnlyMemory<byte> Peek(int count)
    {
        while (!ended && end - start < count) Fill();
        return buffer.AsMemory(start, Math.Min(count, end - start));
    }

    public void Skip(int count) => start += count;

    /// <summary>The next line, valid until the call after it; null at the end. A last line may lack its line feed.</summary>
    public ReadOnlyMemory<byte>? Next()
    {
        var searched = 0;
        while (true)
        {
            var at = buffer.AsSpan(start + searched, end - start - searched).IndexOf((byte)'\n');
            if (at >= 0 || ended)
            {
                var length = at >= 0 ? searched + at : end - start;
                if (at < 0 && length == 0) return null;
                var line = buffer.AsMemory(start, length);
                start += at >= 0 ? length + 1 : length;
                Line++;
                return line;
            }
            searched = end - start;
            Fill();
        }
    }

    private void Fill()
    {
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        if (end == buffer.Length)
        {
            if (buffer.Length >= MaxLine) throw new DatasetException(Line + 1, $"the line is longer than {MaxLine:N0} bytes.");
            Array.Resize(ref buffer, buffer.Length * 2);
        }
        var read = stream.Read(buffer, end, buffer.Length - end);
        ended = read == 0;
        end += read;
    }
}
