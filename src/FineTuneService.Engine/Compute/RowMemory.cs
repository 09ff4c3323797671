using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Compute;

/// <summary>A CPU tensor's memory as rows of its last dimension. Keeps the tensor, so the memory lives as long as a loop over it.</summary>
internal readonly unsafe struct RowMemory
{
    private readonly Tensor _owner;
    private readonly byte* _first;
    private readonly long _rowBytes;

    /// <param name="tensor">Contiguous; or of two dimensions, and contiguous in the last one.</param>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public RowMemory(Tensor tensor)
    {
        _owner = tensor;
        Dtype = tensor.dtype;
        long elements = tensor.numel();
        Width = tensor.ndim == 0 ? 1 : (int)tensor.size(-1);
        Count = Width == 0 ? 0 : (int)(elements / Width);
        if (elements == 0) return;
        bool contiguous = tensor.is_contiguous();
        if (!contiguous && (tensor.ndim != 2 || tensor.stride(1) != 1)) throw new ArgumentException("a kernel's rows must be contiguous");
        _rowBytes = (contiguous ? Width : tensor.stride(0)) * tensor.ElementSize;
        if (contiguous && elements * tensor.ElementSize <= int.MaxValue)
        {
            _first = Address(tensor);
            return;
        }
        using Tensor flat = contiguous ? tensor.view(-1) : tensor.select(0, 0); // A span holds no more than 2 GiB.
        using Tensor start = flat.narrow(0, 0, 1);
        _first = Address(start);
    }

    public int Count { get; }

    public int Width { get; }

    /// <summary>Kept: the tensor asks libtorch each time, and kernels ask for each row.</summary>
    public ScalarType Dtype { get; }

    public T* Row<T>(int row)
        where T : unmanaged => (T*)(_first + row * _rowBytes);

    /// <summary>One element of an fp32 or bf16 tensor.</summary>
    public float Value(int row, int column) =>
        Dtype == ScalarType.Float32 ? Row<float>(row)[column] : BitConverter.UInt32BitsToSingle((uint)Row<ushort>(row)[column] << 16);

    private static byte* Address(Tensor tensor) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));
}
