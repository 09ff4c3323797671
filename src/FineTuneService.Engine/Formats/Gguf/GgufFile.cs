using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// A GGUF file, memory mapped: metadata, and tensors under their GGUF names. F32, F16 and BF16 are read as they are, blocks as the fp32
/// numbers that gguf's own dequantize makes of them; <see cref="Blocks(string)"/> gives them as stored.
/// </summary>
internal sealed class GgufFile : ITensorSource
{
    private readonly string _path;
    private readonly GgufHeader _header;
    private readonly MappedPages _pages;

    private GgufFile(string path, GgufHeader header) => (_path, _header, _pages) = (path, header, new MappedPages(path));

    /// <exception cref="GgufException">The file cannot be read, is truncated, or its header does not describe it.</exception>
    public static GgufFile Open(string path) => new(path, GgufHeader.Read(path));

    public GgufMetadata Metadata => _header.Metadata;

    public IReadOnlyCollection<string> Names => _header.Tensors.Keys;

    /// <summary>The tensors by name, in the file's order.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => _header.Tensors;

    public StoredTensor? Find(string name) => _header.Tensors.GetValueOrDefault(name);

    public Tensor Read(string name) => Read(_header.Tensors[name]);

    public void CopyTo(string name, Tensor into) => CopyTo(_header.Tensors[name], into);

    public Tensor Blocks(string name) => Blocks(_header.Tensors[name]);

    public void RefuseNonFinite(string name) => RefuseNonFinite(_header.Tensors[name]);

    /// <summary>The values of a tensor of this file, or of a part of one.</summary>
    public Tensor Read(GgufTensor tensor)
    {
        if (tensor.Type.Values == 1)
        {
            using Tensor flat = _pages.Elements(tensor.Dtype, tensor.Begin, tensor.Count);
            return flat.view(tensor.Shape);
        }
        Tensor values = empty(tensor.Shape, dtype: ScalarType.Float32);
        CopyTo(tensor, values);
        return values;
    }

    /// <inheritdoc cref="ITensorSource.CopyTo"/>
    public void CopyTo(GgufTensor tensor, Tensor into)
    {
        using var scope = NewDisposeScope();
        if (tensor.Type.Values == 1)
        {
            into.copy_(Read(tensor).view_as(into));
            return;
        }
        Tensor rows = into.view(tensor.Rows, tensor.Columns);
        GgufRows.ForEachPiece(tensor, Blocks(tensor), (first, values) => rows.narrow(0, first, values.shape[0]).copy_(values));
    }

    /// <inheritdoc cref="ITensorSource.Blocks"/>
    public Tensor Blocks(GgufTensor tensor)
    {
        using Tensor flat = _pages.Elements(ScalarType.Byte, tensor.Begin, tensor.Bytes);
        return flat.view(tensor.Rows, tensor.RowBytes);
    }

    /// <inheritdoc cref="ITensorSource.RefuseNonFinite"/>
    public void RefuseNonFinite(GgufTensor tensor)
    {
        if (tensor.Type.Values == 1)
        {
            using SafeFileHandle file = File.OpenHandle(_path);
            if (FiniteScan.FirstBad(file, new FileTensor(tensor.Name, tensor.Dtype, tensor.Shape, tensor.Begin, tensor.Begin + tensor.Bytes)) is >= 0 and var at) throw NotFinite(tensor.Name, at);
            return;
        }
        using var scope = NewDisposeScope();
        GgufRows.ForEachPiece(tensor, Blocks(tensor), (first, values) =>
        {
            if (FiniteScan.FirstBad(values.bytes, ScalarType.Float32) is >= 0 and var at) throw NotFinite(tensor.Name, first * tensor.Columns + at);
        });
    }

    public void Dispose() => _pages.Dispose();

    private GgufException NotFinite(string name, long at) => Metadata.Refuse($"tensor {name} holds NaN or infinity (element {at}); save it again from finite weights");
}
