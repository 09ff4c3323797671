using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// A list of metadata values of one type. One in a file stays there until it is asked for: most who open a file do not need its
/// vocabulary.
/// </summary>
internal sealed class GgufArray
{
    /// <summary>Elements that are made into texts or numbers; the largest vocabularies have some 500,000 merges.</summary>
    private const long MostRead = 1 << 22;

    private readonly Func<byte[]> _bytes;

    private GgufArray(GgufValueType element, long count, Func<byte[]> bytes) => (Element, Count, _bytes) = (element, count, bytes);

    public GgufValueType Element { get; }
    public long Count { get; }

    /// <summary>The elements as a file holds them, one after the other.</summary>
    public byte[] Bytes => _bytes();

    /// <summary>A list in a file, whose header was read and lies in these bytes.</summary>
    public static GgufArray Stored(GgufValueType element, long count, string path, long begin, long end) => new(element, count, () =>
    {
        using SafeFileHandle file = File.OpenHandle(path);
        var bytes = new byte[end - begin];
        int read = 0;
        while (read < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(read), begin + read) is > 0 and var more) read += more;
        return read == bytes.Length ? bytes : throw new GgufException($"{Path.GetFileName(path)}: the file has become shorter while it was read.");
    });

    public static GgufArray Of(IReadOnlyList<string> texts) => new(GgufValueType.String, texts.Count, () =>
    {
        using var bytes = new MemoryStream();
        Span<byte> length = stackalloc byte[8];
        foreach (string text in texts)
        {
            byte[] utf8 = System.Text.Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)utf8.Length);
            bytes.Write(length);
            bytes.Write(utf8);
        }
        return bytes.ToArray();
    });

    public static GgufArray Of(int[] numbers) => new(GgufValueType.Int32, numbers.Length, () => MemoryMarshal.AsBytes<int>(numbers).ToArray());

    public static GgufArray Of(float[] numbers) => new(GgufValueType.Float32, numbers.Length, () => MemoryMarshal.AsBytes<float>(numbers).ToArray());

    /// <summary>The texts; null where it is a list of something else, or too long for a vocabulary.</summary>
    public string[]? Texts()
    {
        if (Element != GgufValueType.String || Count > MostRead) return null;
        var texts = new string[Count];
        ReadOnlySpan<byte> rest = Bytes;
        for (int i = 0; i < texts.Length; i++)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(rest);
            texts[i] = System.Text.Encoding.UTF8.GetString(rest.Slice(8, length));
            rest = rest[(8 + length)..];
        }
        return texts;
    }

    /// <summary>The numbers; null where it is a list of something else, or too long for a vocabulary. 64-bit ones beyond 2^53 are rounded.</summary>
    public double[]? Numbers()
    {
        if (GgufScalar.SizeOf(Element) is not { } size || Count > MostRead) return null;
        byte[] bytes = Bytes;
        var numbers = new double[Count];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = GgufScalar.Number(Element, bytes.AsSpan(i * size, size));
        return numbers;
    }
}
