using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats;

/// <summary>
/// The tensors of a model or an adapter, by name, whatever files they lie in: safetensors, PyTorch's pickles, GGUF. What a tensor is
/// follows from headers, so a model can be checked before anything is allocated; values are read a tensor at a time.
/// </summary>
internal interface ITensorSource : IDisposable
{
    /// <summary>Linear weights lie [out, in] even where the family's published files have them [in, out].</summary>
    bool LinearsAreOutFirst => false;

    /// <summary>In the files' order.</summary>
    IReadOnlyCollection<string> Names { get; }

    /// <summary>What a tensor is, or null where there is none of this name.</summary>
    StoredTensor? Find(string name);

    /// <summary>
    /// The values, in the dtype that <see cref="Find"/> says. The tensor is the caller's, and must not be written to: it may be the file's
    /// mapped pages. It lives no longer than this source.
    /// </summary>
    Tensor Read(string name);

    /// <summary>Writes the values into a tensor of as many elements, converted to its dtype: nothing else of their size is held.</summary>
    void CopyTo(string name, Tensor into)
    {
        using Tensor values = Read(name);
        into.copy_(values.reshape(into.shape));
    }

    /// <summary>
    /// ggml's blocks as stored: bytes [rows, bytes of a row], where <see cref="StoredTensor.Ggml"/> says how to read them. As with
    /// <see cref="Read"/>, they may be mapped.
    /// </summary>
    /// <exception cref="NotSupportedException">The tensor is not stored so.</exception>
    Tensor Blocks(string name) => throw new NotSupportedException($"tensor {name} is not stored in ggml's blocks");

    /// <summary>Reads all values of a tensor.</summary>
    /// <exception cref="TensorFileException">One is NaN or infinity.</exception>
    void RefuseNonFinite(string name);
}
