using System.Buffers.Binary;
using System.Text.Json;

namespace FineTuneService.Engine.Formats;

/// <summary>Reads a safetensors header (https://github.com/huggingface/safetensors, Format), and refuses one that lies.</summary>
internal static class SafetensorsHeader
{
    // A tensor's entry takes some hundred bytes; models of hundreds of layers have some thousand tensors. A header is parsed whole, so
    // what it may hold bounds the memory that a client's file can take.
    private const long LongestHeader = 16 << 20;

    /// <summary>The tensors by name, in the file's order.</summary>
    /// <exception cref="SafetensorsException">The file is truncated, or its header does not describe it.</exception>
    public static Dictionary<string, FileTensor> Read(string path)
    {
        using FileStream file = Opened(path);
        Span<byte> prefix = stackalloc byte[8];
        if (file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8) throw Bad(path, "it is shorter than 8 bytes");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LongestHeader || 8 + (long)length > file.Length)
            throw Bad(path, $"its header says {length} bytes, the file has {file.Length} (a header has at most {LongestHeader})");
        var text = new byte[length];
        file.ReadExactly(text);
        try
        {
            using JsonDocument header = JsonDocument.Parse(text);
            return Entries(path, header.RootElement, 8 + (long)length, file.Length);
        }
        catch (JsonException error)
        {
            throw Bad(path, $"its header is not JSON: {JsonFault.Sentence(error).TrimEnd('.')}");
        }
    }

    private static FileStream Opened(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw Bad(path, $"it cannot be read: {unreadable.Message}");
        }
    }

    private static Dictionary<string, FileTensor> Entries(string path, JsonElement header, long data, long fileLength)
    {
        if (header.ValueKind != JsonValueKind.Object) throw Bad(path, "its header is not a JSON object");
        var entries = new Dictionary<string, FileTensor>();
        foreach (JsonProperty tensor in header.EnumerateObject())
        {
            string name = NameOf(path, tensor);
            if (name == "__metadata__") continue;
            if (!entries.TryAdd(name, Entry(path, name, tensor.Value, data, fileLength))) throw Bad(path, $"tensor {name} is there twice");
        }
        long end = data;
        foreach (FileTensor entry in entries.Values.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin < end) throw Bad(path, $"tensor {entry.Name} overlaps another");
            end = entry.End;
        }
        return entries;
    }

    private static string NameOf(string path, JsonProperty tensor)
    {
        try
        {
            return tensor.Name;
        }
        catch (InvalidOperationException)
        {
            throw Bad(path, "a tensor's name holds half of a surrogate pair, or bytes that are not UTF-8");
        }
    }

    private static FileTensor Entry(string path, string name, JsonElement json, long data, long fileLength)
    {
        try
        {
            string dtype = json.GetProperty("dtype").GetString() ?? "null";
            long[] shape = [.. json.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            JsonElement offsets = json.GetProperty("data_offsets");
            long begin = checked(data + offsets[0].GetInt64()), end = checked(data + offsets[1].GetInt64());
            if (!FileTensor.Dtypes.TryGetValue(dtype, out var type)) throw Bad(path, $"tensor {name} has dtype {dtype}, which is not supported");
            if (end > fileLength) throw Bad(path, $"tensor {name} ends at byte {end} of {fileLength}: the file is truncated");
            long bytes = FileTensor.SizeOf(type);
            foreach (long size in shape) bytes = size < 0 ? -1 : checked(bytes * size);
            if (bytes < 0 || begin < data || end - begin != bytes)
                throw Bad(path, $"tensor {name} of shape [{string.Join(", ", shape)}] and dtype {dtype} does not fit its {end - begin} bytes");
            return new FileTensor(name, type, shape, begin, end);
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw Bad(path, $"tensor {name}'s entry is not {{dtype, shape, data_offsets}}");
        }
    }

    private static SafetensorsException Bad(string path, string why) => new($"{Path.GetFileName(path)} is not a usable safetensors file: {why}.");
}
