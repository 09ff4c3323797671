using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Reads a GGUF header from its start, a window of the file at a time, and never beyond what a header may take.</summary>
/// <param name="name">The file's, for messages.</param>
internal sealed class GgufCursor(SafeFileHandle file, string name)
{
    /// <summary>Vocabularies of 256,000 tokens take some 15 MB.</summary>
    private const long LongestHeader = 256 << 20;

    private readonly byte[] _window = new byte[1 << 16];
    private readonly long _length = Math.Min(RandomAccess.GetLength(file), LongestHeader);
    private long _windowStart;
    private int _windowLength;

    public long Position { get; private set; }

    public long Left => _length - Position;

    public byte Byte() => Take(1)[0];

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>A text, which its length goes before. Bytes that are not UTF-8 become U+FFFD.</summary>
    public string Text(int longest, string what)
    {
        ulong length = UInt64();
        if (length > (ulong)longest) throw Refuse($"{what} is {length} bytes long; at most {longest} are read");
        if ((long)length <= _window.Length) return System.Text.Encoding.UTF8.GetString(Take((int)length));
        RequireLeft((long)length);
        var bytes = new byte[length];
        for (int at = 0; at < bytes.Length;)
        {
            ReadOnlySpan<byte> piece = Take(Math.Min(_window.Length, bytes.Length - at));
            piece.CopyTo(bytes.AsSpan(at));
            at += piece.Length;
        }
        return System.Text.Encoding.UTF8.GetString(bytes);
    }

    /// <summary>The next bytes, until something else is read; no more than the window holds.</summary>
    public ReadOnlySpan<byte> Take(int count)
    {
        RequireLeft(count);
        if (Position < _windowStart || Position + count > _windowStart + _windowLength)
        {
            (_windowStart, _windowLength) = (Position, 0);
            while (_windowLength < count && RandomAccess.Read(file, _window.AsSpan(_windowLength), Position + _windowLength) is > 0 and var more) _windowLength += more;
            if (_windowLength < count) throw Refuse("the file has become shorter while it was read");
        }
        ReadOnlySpan<byte> bytes = _window.AsSpan((int)(Position - _windowStart), count);
        Position += count;
        return bytes;
    }

    public void Skip(long count)
    {
        RequireLeft(count);
        Position += count;
    }

    public GgufException Refuse(string why) => new($"{name} is not a usable GGUF file: {why}.");

    private void RequireLeft(long count)
    {
        if (count < 0 || count > Left) throw Refuse($"it is truncated in its header, or longer there than {LongestHeader} bytes (byte {Position} of {RandomAccess.GetLength(file)})");
    }
}
