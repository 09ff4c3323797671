using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// A safetensors file, memory mapped: a tensor is a view of the file's pages and costs nothing until it is read. libtorch maps a
/// file as one dtype from offset 0, so the file is mapped once a dtype, and each tensor is narrowed out of it.
/// </summary>
internal sealed class SafetensorsFile : ITensorSource
{
    private readonly string _path;
    private readonly Dictionary<string, SafetensorsEntry> _entries;
    private readonly Dictionary<ScalarType, Tensor> _maps = [];

    private SafetensorsFile(string path, Dictionary<string, SafetensorsEntry> entries) => (_path, _entries) = (path, entries);

    /// <exception cref="SafetensorsException">The file is truncated, or its header does not describe it.</exception>
    public static SafetensorsFile Open(string path) => new(path, SafetensorsHeader.Read(path));

    public IReadOnlyDictionary<string, SafetensorsEntry> Entries => _entries;

    public IReadOnlyCollection<string> Names => _entries.Keys;

    public StoredTensor? Find(string name) => _entries.GetValueOrDefault(name);

    /// <summary>The tensor in the file's dtype. It is the caller's, and must not be written to; it lives no longer than this file.</summary>
    public Tensor Read(string name)
    {
        SafetensorsEntry entry = _entries[name];
        using var scope = NewDisposeScope();
        int size = SafetensorsEntry.SizeOf(entry.Dtype);
        long count = (entry.End - entry.Begin) / size;
        // Offsets are multiples of the dtype's size in files that safetensors writes, but the format does not ask for it.
        Tensor flat = count == 0 || entry.Begin % size != 0 ? Copy(entry, count) : Map(entry.Dtype).narrow(0, entry.Begin / size, count);
        return flat.view(entry.Shape).DetachFromDisposeScope();
    }

    /// <exception cref="SafetensorsException">The tensor holds NaN or infinity.</exception>
    public void RefuseNonFinite(string name)
    {
        using SafeFileHandle file = File.OpenHandle(_path);
        if (FiniteScan.FirstBad(file, _entries[name]) is >= 0 and var at)
            throw new SafetensorsException($"{Path.GetFileName(_path)}: tensor {name} holds NaN or infinity (element {at}); save it again from finite weights.");
    }

    public void Dispose()
    {
        foreach (Tensor map in _maps.Values) map.Dispose();
    }

    private Tensor Map(ScalarType dtype)
    {
        if (_maps.TryGetValue(dtype, out Tensor? map)) return map;
        long count = FolderFile.Length(_path) / SafetensorsEntry.SizeOf(dtype);
        return _maps[dtype] = from_file(_path, shared: false, size: count, dtype: dtype).DetachFromDisposeScope();
    }

    private Tensor Copy(SafetensorsEntry entry, long count)
    {
        Tensor copy = empty([count], dtype: entry.Dtype);
        using FileStream file = File.OpenRead(_path);
        file.Position = entry.Begin;
        if (count > 0) file.ReadExactly(copy.bytes);
        return copy;
    }
}
