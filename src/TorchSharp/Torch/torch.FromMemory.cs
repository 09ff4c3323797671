using System.Runtime.InteropServices;

namespace TorchSharp;

// Tensors over memory that exists: an array's or a file's. Without a conversion nothing is copied.
public static unsafe partial class torch
{
    public static Tensor as_tensor(bool[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<bool> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(byte[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<byte> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(sbyte[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<sbyte> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(short[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<short> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(int[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<int> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(long[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<long> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(float[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<float> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(double[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<double> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(BFloat16[] rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<BFloat16> rawArray, ScalarType? dtype = null, Device? device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device? device = null) => from_array(data, dtype, device);

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device? device = null) =>
        data.to(dtype ?? data.dtype, device ?? data.device);

    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device);

    /// <summary>A tensor over an array's own memory, of its shape, unless the type or device differs.</summary>
    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        var own = Over(rawArray, ElementType.Of(rawArray.GetType().GetElementType()!), Shape(rawArray), 0);
        return Made(Moved(own, dtype, device), requires_grad, names);
    }

    /// <summary>A tensor over count elements of an array from offset on (all if -1), unless the type differs.</summary>
    /// <exception cref="ArgumentException">The array has no element at offset.</exception>
    /// <exception cref="IndexOutOfRangeException">The array has fewer elements than asked for.</exception>
    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        if (offset < 0 || offset >= rawArray.LongLength)
            throw new ArgumentException($"invalid value for 'offset': {offset}");
        if (count < 0)
            count = rawArray.LongLength - offset;
        if (count > rawArray.LongLength - offset)
            throw new IndexOutOfRangeException($"element count is too large: {count}");
        var type = ElementType.Of(rawArray.GetType().GetElementType()!);
        return Made(Moved(Over(rawArray, type, [count], offset), dtype, null), requires_grad);
    }

    /// <summary>
    /// Maps a file's first size elements. Shared: writes go to the file, which grows if it is shorter. Otherwise they stay in
    /// memory, and the file must be long enough.
    /// </summary>
    public static Tensor from_file(string filename, bool? shared = null, long? size = 0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        Made(Operator.Call("from_file", filename, shared, size, dtype ?? get_default_dtype(), Argument.None, device), requires_grad);

    /// <summary>A tensor over a pinned array, which is let go when the last tensor over it is freed.</summary>
    private static Tensor Over(Array array, ScalarType type, ReadOnlySpan<long> shape, long offset)
    {
        var pin = GCHandle.Alloc(array, GCHandleType.Pinned);
        var first = (byte*)pin.AddrOfPinnedObject() + offset * type.ElementSize();
        fixed (long* sizes = shape)
        {
            var handle = Native.torch_from_memory(first, sizes, shape.Length, (int)type, &Unpin, GCHandle.ToIntPtr(pin));
            return new Tensor(Native.Handle(handle));
        }
    }

    [UnmanagedCallersOnly]
    private static void Unpin(nint pin) => GCHandle.FromIntPtr(pin).Free();

    /// <summary>A copy of an array's elements in a shape.</summary>
    /// <exception cref="ArgumentException">The array has fewer elements than the shape.</exception>
    private static Tensor FromArray(Array array, ReadOnlySpan<long> shape, ScalarType? dtype, Device? device, bool requiresGrad, string[]? names)
    {
        var needed = shape.ToArray().TotalSize();
        if (needed > array.LongLength)
            throw new ArgumentException($"mismatched total size creating a tensor from an array: {needed} vs. {array.LongLength}");
        var type = ElementType.Of(array.GetType().GetElementType()!);
        using var source = Over(array, type, shape, 0);
        return Made(source.to(dtype ?? type, device ?? CPU, copy: true), requiresGrad, names);
    }

    private static Tensor FromOne<T>(T value, ScalarType? dtype, Device? device, bool requiresGrad)
        where T : unmanaged => FromArray(new[] { value }, [], dtype, device, requiresGrad, null);

    private static long[] Shape(Array array) => [.. Enumerable.Range(0, array.Rank).Select(array.GetLongLength)];

    /// <summary>The tensor, or its conversion in place of it.</summary>
    private static Tensor Moved(Tensor tensor, ScalarType? dtype, Device? device)
    {
        if ((dtype ?? tensor.dtype) == tensor.dtype && (device ?? CPU).type == DeviceType.CPU)
            return tensor;
        using (tensor)
            return tensor.to(dtype ?? tensor.dtype, device ?? CPU);
    }
}
