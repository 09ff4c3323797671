using FineTuneService.Engine.Formats.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>A tensor as its file describes it: known from the file's header, before any value is read.</summary>
/// <param name="Dtype">What reading it gives: the stored dtype, or fp32 where it is stored in ggml's blocks.</param>
/// <param name="Shape">Row-major, the longest stride first, whichever way the file writes it.</param>
internal record StoredTensor(string Name, ScalarType Dtype, long[] Shape)
{
    /// <summary>How a GGUF file stores it; null in files of other formats.</summary>
    public virtual GgmlType? Ggml => null;

    /// <summary>The stored type in its format's own terms: safetensors' (BF16) or ggml's (Q4_1).</summary>
    public string DtypeName => Ggml?.Name ?? FileTensor.Dtypes.First(dtype => dtype.Value == Dtype).Key;

    /// <summary>Whether its elements are fractions, and not whole numbers.</summary>
    public bool IsFloat => Dtype is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    public long Count => Shape.Aggregate(1L, (count, size) => count * size);

    /// <summary>Bytes in the file.</summary>
    public long Bytes => Ggml?.BytesOf(Count) ?? Count * FileTensor.SizeOf(Dtype);
}
