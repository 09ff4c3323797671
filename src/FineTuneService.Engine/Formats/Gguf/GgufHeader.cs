using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>What stands in front of a GGUF file's values (versions 2 and 3, little-endian), and is true of the file.</summary>
/// <param name="Data">Where the values begin, from the file's start.</param>
internal sealed record GgufHeader(GgufMetadata Metadata, Dictionary<string, GgufTensor> Tensors, long Data)
{
    public const uint Magic = 0x46554747; // "GGUF"
    public const string AlignmentKey = "general.alignment";
    public const int DefaultAlignment = 32;

    private const int MostKeys = 1 << 14, MostTensors = 1 << 17, LongestKey = 1 << 12, LongestText = 16 << 20, DeepestList = 4;

    /// <exception cref="GgufException">The file cannot be read, is truncated, or its header does not describe it.</exception>
    public static GgufHeader Read(string path)
    {
        string name = Path.GetFileName(path);
        using SafeFileHandle file = Opened(path, name);
        var cursor = new GgufCursor(file, name);
        if (cursor.Left < 24 || cursor.UInt32() != Magic) throw cursor.Refuse("it does not begin with GGUF");
        uint version = cursor.UInt32();
        if (version is not (2 or 3)) throw cursor.Refuse(Unread(version));
        ulong tensors = cursor.UInt64(), keys = cursor.UInt64();
        if (tensors > MostTensors || keys > MostKeys) throw cursor.Refuse($"it says that it holds {tensors} tensors and {keys} keys (at most {MostTensors} and {MostKeys} are read)");
        GgufMetadata metadata = ReadMetadata(cursor, path, name, (int)keys);
        int alignment = metadata.Whole(AlignmentKey, 1, 1 << 20) ?? DefaultAlignment;
        if (!int.IsPow2(alignment)) throw cursor.Refuse($"{AlignmentKey} = {alignment} is no power of two");
        return GgufTensorTable.Read(cursor, (int)tensors, metadata, alignment, RandomAccess.GetLength(file));
    }

    private static SafeFileHandle Opened(string path, string name)
    {
        try
        {
            return File.OpenHandle(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new GgufException($"{name} cannot be read: {unreadable.Message}");
        }
    }

    private static string Unread(uint version) => (version & 0xFFFF) == 0 && version != 0
        ? "it is big-endian; convert it to little-endian first"
        : $"it is of version {version}, and versions 2 and 3 are read; write it again with a newer llama.cpp";

    private static GgufMetadata ReadMetadata(GgufCursor cursor, string path, string name, int count)
    {
        var values = new Dictionary<string, GgufValue>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            string key = cursor.Text(LongestKey, $"key {i}");
            var type = (GgufValueType)cursor.UInt32();
            if (!values.TryAdd(key, new GgufValue(type, Value(cursor, type, key, path)))) throw cursor.Refuse($"key {key} is there twice");
        }
        return new GgufMetadata(name, values);
    }

    private static object Value(GgufCursor cursor, GgufValueType type, string key, string path)
    {
        if (GgufScalar.SizeOf(type) is { } size) return GgufScalar.Read(type, cursor.Take(size));
        if (type == GgufValueType.String) return cursor.Text(LongestText, key);
        if (type != GgufValueType.Array) throw cursor.Refuse($"key {key} has type {(uint)type}, which GGUF does not define");
        var element = (GgufValueType)cursor.UInt32();
        ulong count = cursor.UInt64();
        long begin = cursor.Position;
        SkipElements(cursor, element, count, key, depth: 1);
        return GgufArray.Stored(element, (long)count, path, begin, cursor.Position);
    }

    private static void SkipElements(GgufCursor cursor, GgufValueType element, ulong count, string key, int depth)
    {
        // Each takes a byte at least, a text eight, so that a count that lies is found before anything is done with it.
        if (count > (ulong)cursor.Left) throw cursor.Refuse($"the list {key} says that it has {count} elements, more than the file has bytes");
        if (GgufScalar.SizeOf(element) is { } size)
        {
            cursor.Skip((long)count * size);
            return;
        }
        if (element is not (GgufValueType.String or GgufValueType.Array)) throw cursor.Refuse($"the list {key} has elements of type {(uint)element}, which GGUF does not define");
        if (depth == DeepestList) throw cursor.Refuse($"the list {key} nests deeper than {DeepestList}");
        for (ulong i = 0; i < count; i++)
        {
            if (element == GgufValueType.String)
            {
                ulong length = cursor.UInt64();
                cursor.Skip(length <= LongestText ? (long)length : -1);
            }
            else
            {
                var inner = (GgufValueType)cursor.UInt32();
                SkipElements(cursor, inner, cursor.UInt64(), key, depth + 1);
            }
        }
    }
}
