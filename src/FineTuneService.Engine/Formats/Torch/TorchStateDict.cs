namespace FineTuneService.Engine.Formats.Torch;

/// <summary>Makes of a pickle's root the tensors that it names, each checked against the bytes that its storage has.</summary>
internal static class TorchStateDict
{
    /// <param name="root">What the pickle holds: a dictionary of tensors.</param>
    /// <param name="storages">Where each storage's bytes lie.</param>
    /// <exception cref="TorchException">It is something else, or a tensor reaches beyond its storage.</exception>
    public static Dictionary<string, FileTensor> Tensors(object? root, IReadOnlyDictionary<string, ZipEntry> storages, string file)
    {
        if (root is not PickleDict dict) throw Bad(file, "it does not hold a dictionary of tensors; save model.state_dict()");
        if (dict.OtherKey is { } other) throw Bad(file, $"its key {other} is no text; save model.state_dict()");
        var tensors = new Dictionary<string, FileTensor>(StringComparer.Ordinal);
        foreach ((string name, object? value) in dict.Items)
        {
            TorchTensor tensor = value as TorchTensor ?? throw Bad(file, $"{name} is no tensor; save model.state_dict()");
            if (!storages.TryGetValue(tensor.Storage.Key, out ZipEntry storage)) throw Bad(file, $"the values of {name} (storage {tensor.Storage.Key}) are missing");
            tensors[name] = Entry(name, tensor, storage, file);
        }
        return tensors;
    }

    private static FileTensor Entry(string name, TorchTensor tensor, ZipEntry storage, string file)
    {
        long size = FileTensor.SizeOf(tensor.Storage.Dtype);
        if (tensor.Storage.Count > storage.Length / size) throw Bad(file, $"the storage of {name} says that it has {tensor.Storage.Count} elements; it has {storage.Length} bytes");
        Int128 count = 1, last = tensor.Offset;
        for (int i = 0; i < tensor.Shape.Length; i++)
        {
            if (tensor.Shape[i] < 0 || tensor.Strides[i] < 0) throw Bad(file, $"{name} has the shape [{string.Join(", ", tensor.Shape)}] and strides [{string.Join(", ", tensor.Strides)}]");
            // Larger than any storage is as good as larger still, and does not overflow.
            count = Int128.Min(count * tensor.Shape[i], long.MaxValue);
            last = Int128.Min(last + (Int128)Math.Max(tensor.Shape[i] - 1, 0) * tensor.Strides[i], long.MaxValue);
        }
        if (tensor.Offset < 0 || count > tensor.Storage.Count || (count > 0 && last >= tensor.Storage.Count))
            throw Bad(file, $"{name} of shape [{string.Join(", ", tensor.Shape)}] reaches beyond its storage of {tensor.Storage.Count} elements");
        long elements = count == 0 ? 0 : (long)last - tensor.Offset + 1, begin = storage.Begin + tensor.Offset * size;
        bool rowByRow = count == 0 || IsRowByRow(tensor);
        return new FileTensor(name, tensor.Storage.Dtype, tensor.Shape, begin, begin + elements * size) { Strides = rowByRow ? null : tensor.Strides };
    }

    private static bool IsRowByRow(TorchTensor tensor)
    {
        long step = 1;
        for (int i = tensor.Shape.Length - 1; i >= 0; i--)
        {
            if (tensor.Shape[i] != 1 && tensor.Strides[i] != step) return false;
            step *= tensor.Shape[i];
        }
        return true;
    }

    private static TorchException Bad(string file, string why) => new($"{file} is not a usable PyTorch file: {why}.");
}
