namespace TorchSharp.Tests;

public sealed class ShapeTests
{
    private static Tensor X => arange(6, dtype: float32).view(2, 3);

    public static TheoryData<Func<Tensor>, long[], double[]> Cases => new()
    {
        { () => X.view(3, 2), [3, 2], [0, 1, 2, 3, 4, 5] },
        { () => X.view(-1), [6], [0, 1, 2, 3, 4, 5] },
        { () => X.t(), [3, 2], [0, 3, 1, 4, 2, 5] },
        { () => X.T, [3, 2], [0, 3, 1, 4, 2, 5] },
        { () => X.mT, [3, 2], [0, 3, 1, 4, 2, 5] },
        { () => X.transpose(0, 1).reshape(6), [6], [0, 3, 1, 4, 2, 5] },
        { () => X.view(1, 2, 3).permute(2, 0, 1), [3, 1, 2], [0, 3, 1, 4, 2, 5] },
        { () => X.view(1, 2, 3).movedim([0], [2]), [2, 3, 1], [0, 1, 2, 3, 4, 5] },
        { () => X.unsqueeze(1), [2, 1, 3], [0, 1, 2, 3, 4, 5] },
        { () => X.view(1, 6, 1).squeeze(), [6], [0, 1, 2, 3, 4, 5] },
        { () => X.view(1, 6, 1).squeeze(0), [6, 1], [0, 1, 2, 3, 4, 5] },
        { () => X.flatten(), [6], [0, 1, 2, 3, 4, 5] },
        { () => X.view(6).unflatten(0, 3, 2), [3, 2], [0, 1, 2, 3, 4, 5] },
        { () => X.narrow(1, 1, 2), [2, 2], [1, 2, 4, 5] },
        { () => X.select(1, 2), [2], [2, 5] },
        { () => X.slice(1, 0, 3, 2), [2, 2], [0, 2, 3, 5] },
        { () => X[0].expand(2, 3), [2, 3], [0, 1, 2, 0, 1, 2] },
        { () => X[0].broadcast_to(2, 3), [2, 3], [0, 1, 2, 0, 1, 2] },
        { () => X.as_strided([2, 2], [1, 2]), [2, 2], [0, 2, 1, 3] },
        { () => X[0].repeat(2), [6], [0, 1, 2, 0, 1, 2] },
        { () => X[0].repeat_interleave(2), [6], [0, 0, 1, 1, 2, 2] },
        { () => X.repeat_interleave(2, 0), [4, 3], [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5] },
        { () => X.flip(1), [2, 3], [2, 1, 0, 5, 4, 3] },
        { () => X[0].roll(1), [3], [2, 0, 1] },
        { () => X.unfold(1, 2, 1), [2, 2, 2], [0, 1, 1, 2, 3, 4, 4, 5] },
        { () => cat([X, X], 1), [2, 6], [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5] },
        { () => stack([X[0], X[1]], 1), [3, 2], [0, 3, 1, 4, 2, 5] },
        { () => vstack([X[0], X[1]]), [2, 3], [0, 1, 2, 3, 4, 5] },
        { () => hstack(X[0], X[1]), [6], [0, 1, 2, 3, 4, 5] },
        { () => X.chunk(2, 1)[1], [2, 1], [2, 5] },
        { () => X.split(2, 1)[0], [2, 2], [0, 1, 3, 4] },
        { () => X.split([1, 2], dim: 1)[1], [2, 2], [1, 2, 4, 5] },
        { () => X.unbind()[1], [3], [3, 4, 5] },
        { () => X.tensor_split(2, 1)[1], [2, 1], [2, 5] },
        { () => meshgrid([X[0], X[1]])[1], [3, 3], [3, 4, 5, 3, 4, 5, 3, 4, 5] },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Member_OfAMatrix_HasShapeAndOrder(Func<Tensor> member, long[] shape, double[] values)
    {
        using var scope = NewDisposeScope();
        var result = member();
        Expect.Shaped(result, shape);
        Expect.Holds(result, values);
    }

    [Fact]
    public void View_OfATensor_SharesItsMemory()
    {
        var x = zeros(2, 3);
        _ = x.view(6).narrow(0, 1, 2).fill_(7);
        Expect.Holds(x, 0, 7, 7, 0, 0, 0);
    }

    [Fact]
    public void Properties_OfATransposedTensor_TellItsLayout()
    {
        var x = X.t();
        Assert.Equal([1L, 3L], x.stride());
        Assert.Equal(3, x.stride(1));
        Assert.Equal(3, x.size(0));
        Assert.Equal(2, x.size(-1));
        Assert.Equal(2, x.ndim);
        Assert.Equal(6, x.numel());
        Assert.Equal(4, x.ElementSize);
        Assert.False(x.is_contiguous());
        Assert.True(x.contiguous().is_contiguous());
        Assert.Equal(1, X.narrow(1, 1, 2).storage_offset());
        Assert.Equal("[3x2], type = Float32, device = cpu", x.ToString());
    }
}
