using Microsoft.Win32.SafeHandles;

namespace FineTuneService.Engine.Formats.Torch;

/// <summary>
/// A state dict that torch.save wrote (pytorch_model.bin, adapter_model.bin): a zip archive of a pickle and the storages beside it, or,
/// from before PyTorch 1.6, a row of pickles with the storages behind them. The pickle is read as data (<see cref="Unpickler"/>); the
/// values are mapped.
/// </summary>
internal sealed class TorchFile : MappedTensors
{
    private const string Pickle = "data.pkl", Order = "byteorder", StorageFolder = "data/";
    private const long LongestPickle = 64 << 20;

    private TorchFile(string path, Dictionary<string, FileTensor> entries)
        : base(path, entries, message => new TorchException(message)) { }

    /// <exception cref="TorchException">The file is truncated or damaged, holds no state dict, or asks for more than data.</exception>
    public static TorchFile Open(string path)
    {
        string name = Path.GetFileName(path);
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[4];
            if (file.ReadAtLeast(start, 4, throwOnEndOfStream: false) < 4) throw new TorchException($"{name} is not a usable PyTorch file: it is truncated.");
            return new TorchFile(path, start.SequenceEqual("PK\x03\x04"u8) ? Archive(file.SafeFileHandle, path, name) : LegacyTorchFile.Read(file, name));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new TorchException($"{name} cannot be read: {unreadable.Message}");
        }
    }

    private static Dictionary<string, FileTensor> Archive(SafeFileHandle file, string path, string name)
    {
        Dictionary<string, ZipEntry> entries = ZipDirectory.Read(file, name);
        if (!entries.TryGetValue(Pickle, out ZipEntry pickle)) throw new TorchException($"{name} is not a usable PyTorch file: it has no {Pickle}.");
        if (pickle.Length > LongestPickle) throw new TorchException($"{name} is not a usable PyTorch file: its {Pickle} has {pickle.Length} bytes (at most {LongestPickle} are read).");
        if (entries.TryGetValue(Order, out ZipEntry order) && order.Length < 16 && System.Text.Encoding.ASCII.GetString(Bytes(path, order)) == "big")
            throw new TorchException($"{name} was written on a big-endian machine, which is not read; save it as safetensors.");
        object? root = new Unpickler(new MemoryStream(Bytes(path, pickle)), name).Read();
        var storages = entries.Where(entry => entry.Key.StartsWith(StorageFolder, StringComparison.Ordinal)).ToDictionary(entry => entry.Key[StorageFolder.Length..], entry => entry.Value);
        return TorchStateDict.Tensors(root, storages, name);
    }

    private static byte[] Bytes(string path, ZipEntry entry)
    {
        using FileStream file = File.OpenRead(path);
        file.Position = entry.Begin;
        var bytes = new byte[entry.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
