using System.Buffers.Binary;
using System.Text.Json;

namespace FineTuneService.Engine.Formats;

/// <summary>Reads a safetensors header (https://github.com/huggingface/safetensors, Format), and refuses one that lies.</summary>
internal static class SafetensorsHeader
{
    private const long LongestHeader = 100_000_000;

    /// <summary>The tensors by name, in the file's order.</summary>
    /// <exception cref="SafetensorsException">The file is truncated, or its header does not describe it.</exception>
    public static Dictionary<string, SafetensorsEntry> Read(string path)
    {
        using FileStream file = File.OpenRead(path);
        Span<byte> prefix = stackalloc byte[8];
        if (file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8) throw Bad(path, "it is shorter than 8 bytes");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > LongestHeader || 8 + (long)length > file.Length) throw Bad(path, $"its header says {length} bytes, the file has {file.Length}");
        var text = new byte[length];
        file.ReadExactly(text);
        try
        {
            using JsonDocument header = JsonDocument.Parse(text);
            return Entries(path, header.RootElement, 8 + (long)length, file.Length);
        }
        catch (JsonException error)
        {
            throw Bad(path, $"its header is not JSON: {error.Message}");
        }
    }

    private static Dictionary<string, SafetensorsEntry> Entries(string path, JsonElement header, long data, long fileLength)
    {
        if (header.ValueKind != JsonValueKind.Object) throw Bad(path, "its header is not a JSON object");
        var entries = new Dictionary<string, SafetensorsEntry>();
        foreach (JsonProperty tensor in header.EnumerateObject())
        {
            if (tensor.Name == "__metadata__") continue;
            if (!entries.TryAdd(tensor.Name, Entry(path, tensor, data, fileLength))) throw Bad(path, $"tensor {tensor.Name} is there twice");
        }
        long end = data;
        foreach (SafetensorsEntry entry in entries.Values.OrderBy(entry => entry.Begin).ThenBy(entry => entry.End))
        {
            if (entry.Begin < end) throw Bad(path, $"tensor {entry.Name} overlaps another");
            end = entry.End;
        }
        return entries;
    }

    private static SafetensorsEntry Entry(string path, JsonProperty tensor, long data, long fileLength)
    {
        try
        {
            string dtype = tensor.Value.GetProperty("dtype").GetString()!;
            long[] shape = [.. tensor.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            long begin = data + tensor.Value.GetProperty("data_offsets")[0].GetInt64(), end = data + tensor.Value.GetProperty("data_offsets")[1].GetInt64();
            if (!SafetensorsEntry.Dtypes.TryGetValue(dtype, out var type)) throw Bad(path, $"tensor {tensor.Name} has dtype {dtype}, which is not supported");
            if (end > fileLength) throw Bad(path, $"tensor {tensor.Name} ends at byte {end} of {fileLength}: the file is truncated");
            long bytes = SafetensorsEntry.SizeOf(type);
            foreach (long size in shape) bytes = size < 0 ? -1 : checked(bytes * size);
            if (bytes < 0 || begin < data || end - begin != bytes)
                throw Bad(path, $"tensor {tensor.Name} of shape [{string.Join(", ", shape)}] and dtype {dtype} does not fit its {end - begin} bytes");
            return new SafetensorsEntry(tensor.Name, type, shape, begin, end);
        }
        catch (Exception error) when (error is KeyNotFoundException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            throw Bad(path, $"tensor {tensor.Name}'s entry is not {{dtype, shape, data_offsets}}");
        }
    }

    private static SafetensorsException Bad(string path, string why) => new($"{Path.GetFileName(path)} is not a usable safetensors file: {why}.");
}
