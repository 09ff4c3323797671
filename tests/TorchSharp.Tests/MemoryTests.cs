using System.Runtime.InteropServices;

namespace TorchSharp.Tests;

public sealed class MemoryTests
{
    [Fact]
    public void Bytes_OfAContiguousTensor_AreItsOwnMemory()
    {
        var x = zeros(3);
        MemoryMarshal.Cast<byte, float>(x.bytes)[1] = 5;
        Expect.Holds(x, 0, 5, 0);
        x.bytes = MemoryMarshal.AsBytes(new float[] { 1, 2, 3 }.AsSpan());
        Expect.Holds(x, 1, 2, 3);
    }

    [Fact]
    public void Bytes_OfBfloat16_CastToItsType()
    {
        var x = tensor(new[] { 1f, -2.5f, 1e38f }).to(bfloat16);
        var values = MemoryMarshal.Cast<byte, BFloat16>(x.bytes);
        Assert.Equal([1f, -2.5f, 9.9692e37f], values.ToArray().Select(v => v.ToSingle()), (a, b) => Math.Abs(a - b) <= 1e-2 * Math.Abs(a));
        values[0] = (BFloat16)3f;
        Expect.Holds(x[0], 3);
    }

    [Fact]
    public void Bytes_OfAStridedTensor_AreRefused() => Assert.Throws<InvalidOperationException>(() => zeros(2, 3).t().bytes.Length);

    [Fact]
    public void Data_OfAStridedTensor_ReadsAndWritesInItsOrder()
    {
        var x = arange(6, dtype: float32).view(2, 3);
        var data = x.t().data<float>();
        Assert.Equal([0f, 3, 1, 4, 2, 5], data.ToArray());
        Assert.Equal([0f, 3, 1, 4, 2, 5], data);
        Assert.Equal(4, data[1, 1]);
        Assert.Equal(new float[,] { { 0, 3 }, { 1, 4 }, { 2, 5 } }, data.ToNDArray());
        data[0, 1] = 9;
        data.CopyFrom([7], tensorIndex: 4);
        Expect.Holds(x, 0, 1, 7, 9, 4, 5);
        _ = Assert.Throws<IndexOutOfRangeException>(() => data[6]);
        _ = Assert.Throws<ArgumentException>(() => x.data<int>());
    }

    [Fact]
    public void FromArray_SharesTheArraysMemory()
    {
        var values = new float[] { 1, 2, 3 };
        using var x = from_array(values);
        values[0] = 9;
        Expect.Holds(x, 9, 2, 3);
        using var part = frombuffer(values, float32, count: 1, offset: 2);
        _ = part.fill_(4);
        Assert.Equal(4, values[2]);
        _ = Assert.Throws<IndexOutOfRangeException>(() => frombuffer(values, float32, count: 3, offset: 1));
    }

    [Fact]
    public void FromArray_AfterTheLastTensor_LetsTheArrayGo()
    {
        var reference = Borrow();
        GC.Collect();
        Assert.False(reference.IsAlive);

        static WeakReference Borrow()
        {
            var values = new float[1000];
            var x = as_tensor(values);
            var view = x.narrow(0, 10, 10);
            x.Dispose();
            GC.Collect();
            values[10] = 3;
            using (var element = view[0])
                Assert.Equal(3, element.item<float>());
            view.Dispose();
            return new WeakReference(values);
        }
    }

    [Fact]
    public void FromFile_MapsTheFileWithoutReadingIt()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, MemoryMarshal.AsBytes<float>(new float[] { 1, 2, 3, 4 }));
            using (var x = from_file(path, shared: true, size: 4, dtype: float32))
            {
                Expect.Holds(x, 1, 2, 3, 4);
                _ = x.narrow(0, 2, 1).fill_(9);
            }

            Assert.Equal(9f, MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path))[2]);
            using (var x = from_file(path, shared: false, size: 3, dtype: float32))
                _ = x.fill_(0);
            Assert.Equal(1f, MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path))[0]);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void FromFile_OfAFileThatIsNotThere_NamesIt()
    {
        var error = Assert.Throws<ExternalException>(() => from_file("/no/such/file", size: 1));
        Assert.Contains("/no/such/file", error.Message, StringComparison.Ordinal);
    }
}
