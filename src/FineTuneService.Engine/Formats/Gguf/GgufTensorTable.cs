namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Reads the list of tensors behind the metadata, and refuses one that the file does not bear out.</summary>
internal static class GgufTensorTable
{
    private const int LongestName = 512, MostDimensions = 4;

    public static GgufHeader Read(GgufCursor cursor, int count, GgufMetadata metadata, int alignment, long fileLength)
    {
        var read = new (string Name, GgmlType Type, long[] Shape, long Offset)[count];
        // A row takes 24 bytes at least.
        if (count * 24L > cursor.Left) throw cursor.Refuse($"it says that it holds {count} tensors, more than it has room for");
        for (int i = 0; i < count; i++) read[i] = Row(cursor, i, alignment);
        long data = Aligned(cursor.Position, alignment);
        var tensors = new Dictionary<string, GgufTensor>(StringComparer.Ordinal);
        foreach ((string name, GgmlType type, long[] shape, long offset) in read)
        {
            var tensor = new GgufTensor(name, type, shape, data + offset);
            if (offset > fileLength - data || tensor.Bytes > fileLength - tensor.Begin)
                throw cursor.Refuse($"tensor {name} ends at byte {(Int128)data + offset + tensor.Bytes} of {fileLength}: the file is truncated");
            if (!tensors.TryAdd(name, tensor)) throw cursor.Refuse($"tensor {name} is there twice");
        }
        RefuseOverlaps(cursor, tensors.Values);
        return new GgufHeader(metadata, tensors, data);
    }

    public static long Aligned(long position, int alignment) => (position + alignment - 1) / alignment * alignment;

    private static (string Name, GgmlType Type, long[] Shape, long Offset) Row(GgufCursor cursor, int i, int alignment)
    {
        string name = cursor.Text(LongestName, $"the name of tensor {i}");
        uint dimensions = cursor.UInt32();
        if (dimensions > MostDimensions) throw cursor.Refuse($"tensor {name} has {dimensions} dimensions; GGUF has at most {MostDimensions}");
        var shape = new long[dimensions];
        for (int d = shape.Length - 1; d >= 0; d--) shape[d] = (long)cursor.UInt64();
        GgmlType type = TypeOf(cursor, name, cursor.UInt32());
        ulong offset = cursor.UInt64();
        RefuseShape(cursor, name, type, shape);
        if (offset > long.MaxValue / 2 || offset % (ulong)alignment != 0) throw cursor.Refuse($"tensor {name} lies at {offset}, which is no multiple of the alignment {alignment}");
        return (name, type, shape, (long)offset);
    }

    private static GgmlType TypeOf(GgufCursor cursor, string name, uint id)
    {
        try
        {
            return GgmlTypes.Of(id);
        }
        catch (NotSupportedException refused)
        {
            throw cursor.Refuse($"tensor {name}: {refused.Message}");
        }
    }

    private static void RefuseShape(GgufCursor cursor, string name, GgmlType type, long[] shape)
    {
        const long MostElements = 1L << 48;
        long count = 1;
        foreach (long size in shape)
        {
            if (size < 0 || size > MostElements || (count *= Math.Max(size, 1)) > MostElements) throw cursor.Refuse($"tensor {name} has shape [{string.Join(", ", shape)}], which no file holds");
        }
        long columns = shape.Length == 0 ? 1 : shape[^1];
        if (columns % type.Values != 0) throw cursor.Refuse($"tensor {name} has rows of {columns}, which is no multiple of {type.Name}'s blocks of {type.Values}");
        if (type.BytesOf(columns) > int.MaxValue) throw cursor.Refuse($"tensor {name} has rows of {columns}, which is too long");
    }

    private static void RefuseOverlaps(GgufCursor cursor, IEnumerable<GgufTensor> tensors)
    {
        long end = 0;
        foreach (GgufTensor tensor in tensors.OrderBy(tensor => tensor.Begin).ThenBy(tensor => tensor.Bytes))
        {
            if (tensor.Begin < end) throw cursor.Refuse($"tensor {tensor.Name} overlaps another");
            end = tensor.Begin + tensor.Bytes;
        }
    }
}
