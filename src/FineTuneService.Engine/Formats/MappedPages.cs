using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// A file's pages as tensors, which cost nothing until they are read. libtorch maps a file as one dtype from offset 0, so the file is
/// mapped once a dtype, and each tensor is narrowed out of it; it keeps the pages mapped for as long as it lives.
/// </summary>
internal sealed class MappedPages(string path) : IDisposable
{
    private readonly Dictionary<ScalarType, Tensor> _maps = [];

    /// <summary>Elements of the file, [count]. They are the caller's, and must not be written to.</summary>
    /// <param name="begin">Their first byte.</param>
    /// <exception cref="TensorFileException">The file is gone, or shorter than it was.</exception>
    public Tensor Elements(ScalarType dtype, long begin, long count)
    {
        int size = FileTensor.SizeOf(dtype);
        // Offsets are multiples of the dtype's size in files that the usual libraries write, but no format asks for it.
        if (count == 0 || begin % size != 0) return Copy(dtype, begin, count);
        lock (_maps)
        {
            try
            {
                if (!_maps.TryGetValue(dtype, out Tensor? map))
                    _maps[dtype] = map = from_file(path, shared: false, size: FolderFile.Length(path) / size, dtype: dtype).DetachFromDisposeScope();
                return map.narrow(0, begin / size, count);
            }
            catch (ExternalException)
            {
                throw new TensorFileException($"{Path.GetFileName(path)} is gone, or shorter than when its header was read.");
            }
        }
    }

    public void Dispose()
    {
        foreach (Tensor map in _maps.Values) map.Dispose();
    }

    private Tensor Copy(ScalarType dtype, long begin, long count)
    {
        Tensor copy = empty([count], dtype: dtype);
        using FileStream file = File.OpenRead(path);
        file.Position = begin;
        if (count > 0) file.ReadExactly(copy.bytes);
        return copy;
    }
}
