using System.Buffers.Binary;
using System.Numerics;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>
/// torch.save's format before PyTorch 1.6 (_use_new_zipfile_serialization=False): pickles of a magic number, the protocol, the system, the
/// state dict and its storages' keys; then each storage as a count of 8 bytes and the values.
/// </summary>
internal static class LegacyTorchFile
{
    private const long Protocol = 1001;

    private static readonly BigInteger s_magic = BigInteger.Parse("0001950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber);

    /// <param name="file">The whole file; read from its start.</param>
    /// <exception cref="TorchException">The file is truncated or damaged, holds no state dict, or asks for more than data.</exception>
    public static Dictionary<string, FileTensor> Read(FileStream file, string name)
    {
        if (IsTar(file)) throw Bad(name, "it was written by a PyTorch before 0.4; save it again with a newer one");
        file.Position = 0;
        using var counted = new BufferedStream(file, 1 << 16);
        if (Next() is not BigInteger magic || magic != s_magic) throw Bad(name, "it is neither a zip archive nor a pickle of torch.save");
        if (Next() is not Protocol) throw Bad(name, "its protocol is not known");
        if (Next() is PickleDict { Items: var system } && system.GetValueOrDefault("little_endian") is false)
            throw Bad(name, "it was written on a big-endian machine; save it as safetensors");
        object? root = Next();
        if (Next() is not PickleList { Items: var keys }) throw Bad(name, "the list of its storages is missing");
        return TorchStateDict.Tensors(root, Storages(counted, keys, Sizes(root), file.Length, name), name);

        object? Next() => new Unpickler(counted, name).Read();
    }

    /// <summary>Bytes of an element, by storage: the file does not say it beside the values.</summary>
    private static Dictionary<string, int> Sizes(object? root)
    {
        var sizes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (TorchTensor tensor in (root as PickleDict)?.Items.Values.OfType<TorchTensor>() ?? [])
            sizes[tensor.Storage.Key] = FileTensor.SizeOf(tensor.Storage.Dtype);
        return sizes;
    }

    private static Dictionary<string, ZipEntry> Storages(Stream file, List<object?> keys, Dictionary<string, int> sizes, long length, string name)
    {
        var storages = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        Span<byte> prefix = stackalloc byte[8];
        foreach (object? key in keys)
        {
            if (key is not string storage || !sizes.TryGetValue(storage, out int size)) throw Bad(name, "it has a storage that no tensor reads");
            if (file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8) throw Bad(name, "it is truncated");
            long count = BinaryPrimitives.ReadInt64LittleEndian(prefix);
            if (count < 0 || count > (length - file.Position) / size) throw Bad(name, $"storage {storage} says that it has {count} elements: the file is truncated");
            if (!storages.TryAdd(storage, new ZipEntry(file.Position, count * size))) throw Bad(name, $"storage {storage} is there twice");
            file.Position += count * size;
        }
        return storages;
    }

    private static bool IsTar(FileStream file)
    {
        Span<byte> block = stackalloc byte[262];
        file.Position = 0;
        return file.ReadAtLeast(block, block.Length, throwOnEndOfStream: false) == block.Length && block[257..].SequenceEqual("ustar"u8);
    }

    private static TorchException Bad(string file, string why) => new($"{file} is not a usable PyTorch file: {why}.");
}
