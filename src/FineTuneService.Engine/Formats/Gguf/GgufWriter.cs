using System.Text;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Writes a GGUF file of version 3, byte for byte as gguf-py's GGUFWriter does: keys and tensors in the order given, everything aligned.</summary>
internal static class GgufWriter
{
    /// <summary>Writes the file; whoever sees it sees all of it. One tensor's values are held at a time.</summary>
    /// <param name="metadata">general.alignment may be among it; without it tensors lie at multiples of 32.</param>
    /// <param name="betweenTensors">Called after each that is written.</param>
    public static void Write(string path, IReadOnlyCollection<KeyValuePair<string, GgufValue>> metadata, IReadOnlyCollection<GgufOutput> tensors, Action? betweenTensors = null)
    {
        int alignment = metadata.FirstOrDefault(pair => pair.Key == GgufHeader.AlignmentKey).Value is { Value: long said } ? (int)said : GgufHeader.DefaultAlignment;
        Durable.Write(path, file =>
        {
            WriteHeader(file, metadata, tensors, alignment);
            foreach (GgufOutput tensor in tensors)
            {
                GgufEncoding.Write(file, tensor);
                Pad(file, alignment);
                betweenTensors?.Invoke();
            }
        });
    }

    private static void WriteHeader(FileStream file, IReadOnlyCollection<KeyValuePair<string, GgufValue>> metadata, IReadOnlyCollection<GgufOutput> tensors, int alignment)
    {
        using (var header = new BinaryWriter(file, Encoding.UTF8, leaveOpen: true))
        {
            header.Write(GgufHeader.Magic);
            header.Write(3u);
            header.Write((ulong)tensors.Count);
            header.Write((ulong)metadata.Count);
            foreach ((string key, GgufValue value) in metadata)
            {
                Write(header, key);
                Write(header, value);
            }
            long offset = 0;
            foreach (GgufOutput tensor in tensors)
            {
                Write(header, tensor.Name);
                header.Write((uint)tensor.Shape.Length);
                foreach (long size in tensor.Shape.Reverse()) header.Write((ulong)size);
                header.Write(tensor.Type.Id);
                header.Write((ulong)offset);
                offset = GgufTensorTable.Aligned(offset + tensor.Bytes, alignment);
            }
        }
        Pad(file, alignment);
    }

    private static void Write(BinaryWriter header, string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        header.Write((ulong)utf8.Length);
        header.Write(utf8);
    }

    private static void Write(BinaryWriter header, GgufValue value)
    {
        header.Write((uint)value.Type);
        switch (value.Value)
        {
            case string text:
                Write(header, text);
                break;
            case GgufArray list:
                header.Write((uint)list.Element);
                header.Write((ulong)list.Count);
                header.Write(list.Bytes);
                break;
            default:
                header.Write(GgufScalar.Write(value.Type, value.Value));
                break;
        }
    }

    private static void Pad(FileStream file, int alignment)
    {
        long missing = GgufTensorTable.Aligned(file.Position, alignment) - file.Position;
        file.Write(new byte[missing]);
    }
}
