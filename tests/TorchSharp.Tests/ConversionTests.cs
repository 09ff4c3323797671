namespace TorchSharp.Tests;

public sealed class ConversionTests
{
    [Fact]
    public void To_WithAnotherType_RoundsAsThatTypeDoes()
    {
        var x = tensor(new[] { 1.001f, -2.5f, 300f });
        Expect.Holds(x.to(bfloat16), 1, -2.5, 300);
        Expect.Holds(x.to(int32), 1, -2, 300);
        Expect.Holds(x.@bool(), 1, 1, 1);
        Assert.Equal(ScalarType.Float16, x.half().dtype);
        Assert.Equal(ScalarType.Int64, x.type_as(arange(1)).dtype);
    }

    [Fact]
    public void To_WithTheSameType_SharesMemoryUnlessACopyIsAsked()
    {
        var x = zeros(2);
        _ = x.to(float32).fill_(1);
        Expect.Holds(x, 1, 1);
        _ = x.to(float32, copy: true).fill_(2);
        Expect.Holds(x, 1, 1);
    }

    [Fact]
    public void To_WithDisposeAfter_FreesTheSource()
    {
        var x = zeros(2);
        _ = x.to(float64, disposeAfter: true);
        Assert.True(x.IsInvalid);
    }

    [Fact]
    public void Item_OfASingleElement_ReadsItsType()
    {
        Assert.Equal(2.5f, tensor(2.5f).item<float>());
        Assert.Equal(7L, tensor(7L).item<long>());
        Assert.True(tensor(true).item<bool>());
        Assert.Equal(2.5f, tensor((BFloat16)2.5f).item<BFloat16>().ToSingle());
        Assert.Equal(2.5, (double)tensor(2.5f));
        Assert.Equal(2, (int)tensor(2.5f));
        Assert.Equal(ScalarType.Int64, tensor(3).ToScalar().Type);
        _ = Assert.Throws<ArgumentException>(() => zeros(2).item<float>());
        _ = Assert.Throws<ArgumentException>(() => zeros(1).item<double>());
    }

    [Fact]
    public void Device_FromADescription_NamesTypeAndIndex()
    {
        Assert.Equal("cpu", zeros(1).device.ToString());
        var second = new Device("cuda:1");
        Assert.Equal((DeviceType.CUDA, 1, "cuda:1"), (second.type, second.index, second.ToString()));
        Assert.Equal(DeviceType.META, new Device("meta").type);
    }

    [Fact]
    public void Cuda_WhereThereIsNone_IsRefusedWithLibtorchsMessage()
    {
        Assert.SkipWhen(cuda.is_available(), "this machine has CUDA");
        Assert.Equal(0, cuda.device_count());
        _ = Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => zeros(1).cuda());
    }

    [Fact]
    public void Scalar_FromNumbers_KeepsTheirKind()
    {
        Assert.Equal(ScalarType.Int64, ((Scalar)(byte)3).Type);
        Assert.Equal(ScalarType.Float64, ((Scalar)3f).Type);
        Assert.Equal(ScalarType.Bool, ((Scalar)true).Type);
        Assert.Equal(3, ((Scalar)3.9).ToInt64());
        Assert.Equal(0.5f, ((Scalar)(BFloat16)0.5f).ToSingle());
        Assert.True(((Scalar)2).ToBoolean());
    }
}
