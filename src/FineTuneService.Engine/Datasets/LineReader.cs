namespace FineTuneService.Engine.Datasets;

/// <summary>Lines of a file as bytes, without their line feed. Only one line is held at a time.</summary>
internal sealed class LineReader(StreamBuffer buffer)
{
    /// <summary>1-based number of the line that <see cref="Next"/> gave last.</summary>
    public int Line { get; private set; }

    /// <summary>The next line, valid until the call after it; null at the end. A last line may lack its line feed.</summary>
    public ReadOnlyMemory<byte>? Next()
    {
        if (Ahead(0) is not { } line) return null;
        Line = buffer.Line;
        buffer.Take(Math.Min(line.Length + 1, buffer.Unread.Length));
        return line;
    }

    /// <summary>The line that begins so many bytes behind the last one, which is not taken; null where the file ends before.</summary>
    public ReadOnlyMemory<byte>? Ahead(int offset)
    {
        var searched = offset;
        while (true)
        {
            var unread = buffer.Unread;
            var at = unread.Length > searched ? unread.Span[searched..].IndexOf((byte)'\n') : -1;
            if (at >= 0) return unread[offset..(searched + at)];
            if (buffer.Ended && offset >= unread.Length) return null;
            if (buffer.Ended) return unread[offset..];
            searched = Math.Max(offset, unread.Length);
            buffer.Fill();
        }
    }
}
