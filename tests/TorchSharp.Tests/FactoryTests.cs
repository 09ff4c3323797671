namespace TorchSharp.Tests;

public sealed class FactoryTests
{
    [Fact]
    public void Factories_WithAShape_FillIt()
    {
        Expect.Holds(zeros(2, 2), 0, 0, 0, 0);
        Expect.Holds(ones(3), 1, 1, 1);
        Expect.Holds(full([2], 4), 4, 4);
        Expect.Holds(eye(2), 1, 0, 0, 1);
        Expect.Holds(eye(1, 2), 1, 0);
        Expect.Holds(arange(3), 0, 1, 2);
        Expect.Holds(arange(1, 2, 0.5), 1, 1.5);
        Expect.Holds(linspace(0, 1, 3), 0, 0.5, 1);
        Expect.Shaped(empty(2, 3, 4), 2, 3, 4);
        Expect.Shaped(zeros(new long[] { 1, 2, 3, 4, 5 }), 1, 2, 3, 4, 5);
        Assert.Equal([1L, 2L], empty_strided([2, 3], [1, 2]).stride());
    }

    [Fact]
    public void Factories_WithoutAType_ChooseAsTorchSharpDoes()
    {
        Assert.Equal(ScalarType.Float32, zeros(1).dtype);
        Assert.Equal(ScalarType.Int64, arange(3).dtype);
        Assert.Equal(ScalarType.Float32, arange(3f).dtype);
        Assert.Equal(ScalarType.Int64, full([1], 1).dtype);
        Assert.Equal(ScalarType.Float32, full([1], 1.0).dtype);
        Assert.Equal(ScalarType.Float64, tensor(1.0).dtype);
        Assert.Equal(ScalarType.Int32, tensor(1).dtype);
        Assert.Equal(ScalarType.Byte, tensor(new byte[] { 1 }).dtype);
    }

    [Fact]
    public void Likes_TakeShapeTypeAndDeviceFromAnother()
    {
        var x = ones(2, 3, dtype: bfloat16);
        foreach (var like in new[] { x.zeros_like(), ones_like(x), x.empty_like(), full_like(x, 2), x.rand_like(), randn_like(x) })
        {
            Expect.Shaped(like, 2, 3);
            Assert.Equal(ScalarType.BFloat16, like.dtype);
        }

        Assert.Equal(ScalarType.Float32, zeros_like(x, float32).dtype);
        Expect.Shaped(x.new_zeros([4]), 4);
    }

    [Fact]
    public void Tensor_FromArrays_CopiesThemInTheirShape()
    {
        float[] values = [1, 2, 3, 4];
        var x = tensor(values, [2, 2]);
        values[0] = 9;
        Expect.Holds(x, 1, 2, 3, 4);
        Expect.Shaped(tensor(new[,] { { 1, 2, 3 } }), 1, 3);
        Expect.Shaped(tensor(new List<long> { 1, 2, 3, 4, 5, 6 }, 3, 2), 3, 2);
        Expect.Holds(tensor(new[] { 1.5f }, dtype: bfloat16), 1.5);
        Assert.Equal(ScalarType.BFloat16, tensor(new[] { (BFloat16)1f }).dtype);
        Assert.Equal(ScalarType.Float16, tensor(new[] { (Half)1f }).dtype);
        Assert.Contains("mismatched total size", Assert.Throws<ArgumentException>(() => tensor(values, [5])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_OfDimensions_AreRefused() => Assert.Throws<NotSupportedException>(() => zeros(1, names: ["rows"]));
}
