using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>A file that holds its tensors' values as plain numbers, memory mapped: a tensor is a view of the file's pages until it is read.</summary>
/// <param name="refuse">Makes the exception of a message.</param>
internal abstract class MappedTensors(string path, Dictionary<string, FileTensor> entries, Func<string, TensorFileException> refuse) : ITensorSource
{
    private readonly MappedPages _pages = new(path);

    public IReadOnlyDictionary<string, FileTensor> Entries => entries;

    public IReadOnlyCollection<string> Names => entries.Keys;

    public StoredTensor? Find(string name) => entries.GetValueOrDefault(name);

    /// <summary>The tensor in the file's dtype. It is the caller's, and must not be written to; it lives no longer than this file.</summary>
    public Tensor Read(string name)
    {
        FileTensor entry = entries[name];
        using var scope = NewDisposeScope();
        Tensor flat = _pages.Elements(entry.Dtype, entry.Begin, (entry.End - entry.Begin) / FileTensor.SizeOf(entry.Dtype));
        return (entry.Strides is null ? flat.view(entry.Shape) : flat.as_strided(entry.Shape, entry.Strides, flat.storage_offset())).DetachFromDisposeScope();
    }

    /// <exception cref="TensorFileException">The tensor holds NaN or infinity.</exception>
    public void RefuseNonFinite(string name)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        if (FiniteScan.FirstBad(file, entries[name]) is >= 0 and var at)
            throw refuse($"{Path.GetFileName(path)}: tensor {name} holds NaN or infinity (element {at}); save it again from finite weights.");
    }

    public void Dispose() => _pages.Dispose();
}
