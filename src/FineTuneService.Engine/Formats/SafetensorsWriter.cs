using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>Writes safetensors as the library does: names sorted within a dtype, larger dtypes first, the header padded to 8 bytes.</summary>
internal static class SafetensorsWriter
{
    private const int PieceElements = 1 << 22;

    /// <summary>Writes the file; whoever sees it sees all of it.</summary>
    /// <param name="betweenTensors">Called after each that is written.</param>
    /// <param name="metadata">Goes into the header's __metadata__; PEFT and transformers look for format = pt.</param>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string>? metadata = null, Action? betweenTensors = null)
    {
        KeyValuePair<string, Tensor>[] ordered =
            [.. tensors.OrderByDescending(t => t.Value.element_size()).ThenBy(t => t.Key, StringComparer.Ordinal)];
        Durable.Write(path, file =>
        {
            file.Write(Header(ordered, metadata ?? new Dictionary<string, string> { ["format"] = "pt" }));
            foreach ((_, Tensor tensor) in ordered)
            {
                WriteValues(file, tensor);
                betweenTensors?.Invoke();
            }
        });
    }

    private static byte[] Header(IReadOnlyList<KeyValuePair<string, Tensor>> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WritePropertyName("__metadata__");
            JsonSerializer.Serialize(json, metadata);
            long offset = 0;
            foreach ((string name, Tensor tensor) in tensors)
            {
                long end = offset + tensor.numel() * tensor.element_size();
                json.WriteStartObject(name);
                json.WriteString("dtype", FileTensor.Dtypes.First(d => d.Value == tensor.dtype).Key);
                json.WriteStartArray("shape");
                foreach (long size in tensor.shape) json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(end);
                json.WriteEndArray();
                json.WriteEndObject();
                offset = end;
            }
            json.WriteEndObject();
        }
        while (text.Length % 8 != 0) text.WriteByte((byte)' ');
        var header = new byte[8 + text.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)text.Length);
        text.ToArray().CopyTo(header, 8);
        return header;
    }

    private static void WriteValues(FileStream file, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor flat = tensor.contiguous().view(-1);
        for (long at = 0; at < flat.numel(); at += PieceElements)
            file.Write(flat.narrow(0, at, Math.Min(PieceElements, flat.numel() - at)).cpu().bytes);
    }
}
