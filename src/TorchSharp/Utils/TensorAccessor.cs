using System.Collections;

namespace TorchSharp.Utils;

/// <summary>A CPU tensor's elements, in row-major order whatever its strides. It reads and writes the tensor's own memory.</summary>
public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T>
    where T : unmanaged
{
    private readonly torch.Tensor tensor;
    private readonly unsafe T* first;
    private readonly long[] shape;
    private readonly long[] strides;
    private readonly bool contiguous;

    internal unsafe TensorAccessor(torch.Tensor tensor)
    {
        this.tensor = tensor;
        first = (T*)tensor.Address;
        shape = tensor.shape;
        strides = tensor.stride();
        contiguous = tensor.is_contiguous();
        Count = tensor.numel();
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    /// <summary>The element at one index into the row-major order, or at one index a dimension.</summary>
    public unsafe T this[params long[] indices]
    {
        get => first[Offset(indices)];
        set => first[Offset(indices)] = value;
    }

    public T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array);
        return array;
    }

    /// <summary>An array with the tensor's dimensions; one of a single element for a scalar.</summary>
    public Array ToNDArray()
    {
        if (shape.Length < 2)
            return ToArray();
        var array = Array.CreateInstance(typeof(T), shape);
        var place = new long[shape.Length];
        for (long i = 0; i < Count; i++)
            array.SetValue(this[Unravel(i, place)], place);
        return array;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public unsafe void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        var target = array.Slice(arrayIndex, count);
        if (contiguous)
            new Span<T>(first + tensorIndex, count).CopyTo(target);
        else
            for (var i = 0; i < count; i++)
                target[i] = first[Offset(tensorIndex + i)];
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public unsafe void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var count = (int)Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        var source = array.Slice(arrayIndex, count);
        if (contiguous)
            source.CopyTo(new Span<T>(first + tensorIndex, count));
        else
            for (var i = 0; i < count; i++)
                first[Offset(tensorIndex + i)] = source[i];
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The tensor is its owner's to dispose; this only stops the collector from taking it before.</summary>
    public void Dispose() => GC.KeepAlive(tensor);

    private long Offset(long[] indices)
    {
        if (indices.Length == 1)
            return Offset(indices[0]);
        if (indices.Length != shape.Length)
            throw new ArgumentException($"{indices.Length} indices for {shape.Length} dimensions");
        long offset = 0;
        for (var i = 0; i < indices.Length; i++)
            offset += indices[i] >= 0 && indices[i] < shape[i] ? indices[i] * strides[i] : throw new IndexOutOfRangeException();
        return offset;
    }

    private long Offset(long index)
    {
        if (index < 0 || index >= Count)
            throw new IndexOutOfRangeException("The index is greater than the number of elements in the tensor");
        if (contiguous)
            return index;
        long offset = 0;
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            offset += index % shape[i] * strides[i];
            index /= shape[i];
        }

        return offset;
    }

    private long[] Unravel(long index, long[] place)
    {
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            place[i] = index % shape[i];
            index /= shape[i];
        }

        return place;
    }
}
