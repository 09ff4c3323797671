namespace TorchSharp.Tests;

public sealed class IndexingTests
{
    private static Tensor X => arange(24, dtype: float32).view(2, 3, 4);

    public static TheoryData<Func<Tensor>, long[], double[]> Cases => new()
    {
        { () => X[1, 2, 3], [], [23] },
        { () => X[1, 2], [4], [20, 21, 22, 23] },
        { () => X[-1, -1], [4], [20, 21, 22, 23] },
        { () => X[TensorIndex.Ellipsis, 0], [2, 3], [0, 4, 8, 12, 16, 20] },
        { () => X[1, TensorIndex.Colon, 1], [3], [13, 17, 21] },
        { () => X[0, 1..3, ..2], [2, 2], [4, 5, 8, 9] },
        { () => X[0, 1..^0, ^1], [2], [7, 11] },
        { () => X[0, 0, TensorIndex.Slice(0, null, 2)], [2], [0, 2] },
        { () => X[0, 0, TensorIndex.Slice(-2)], [2], [2, 3] },
        { () => X[0, TensorIndex.None, 0], [1, 4], [0, 1, 2, 3] },
        { () => X[0].index(tensor(new[] { 2L, 0L })), [2, 4], [8, 9, 10, 11, 0, 1, 2, 3] },
        { () => X[0, TensorIndex.Tensor(tensor(new[] { 2L, 0L })), 1], [2], [9, 1] },
        { () => X[0, TensorIndex.Ellipsis, TensorIndex.Tensor(tensor(new[] { 3L }))], [3, 1], [3, 7, 11] },
        { () => X[TensorIndex.Tensor(X > 21)], [2], [22, 23] },
        { () => X[0].index_select(1, tensor(new[] { 3L, 0L })), [3, 2], [3, 0, 7, 4, 11, 8] },
        { () => X[0].gather(1, tensor(new[,] { { 3L }, { 0L }, { 1L } })), [3, 1], [3, 4, 9] },
        { () => X[0].take(tensor(new[] { 11L, 0L })), [2], [11, 0] },
        { () => X[0].masked_select(X[0] < 2), [2], [0, 1] },
        { () => (X[0] > 9).nonzero(), [2, 2], [2, 2, 2, 3] },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Index_OfATensor_PicksWhatPythonWould(Func<Tensor> index, long[] shape, double[] values)
    {
        using var scope = NewDisposeScope();
        var result = index();
        Expect.Shaped(result, shape);
        Expect.Holds(result, values);
    }

    public static TheoryData<Action<Tensor>, double[]> Writes => new()
    {
        { x => x[1, 2] = tensor(9f), [0, 0, 0, 0, 0, 9] },
        { x => x[0] = tensor(new[] { 1f, 2f, 3f }), [1, 2, 3, 0, 0, 0] },
        { x => x[TensorIndex.Colon, 1..] = tensor(5f), [0, 5, 5, 0, 5, 5] },
        { x => x.index_put_(7, TensorIndex.Ellipsis, 0), [7, 0, 0, 7, 0, 0] },
        { x => x.index_put_(tensor(2f), [TensorIndex.Colon, TensorIndex.Tensor(tensor(new[] { 1L, 1L }))], accumulate: true), [0, 4, 0, 0, 4, 0] },
        { x => x[TensorIndex.Tensor(x == 0)] = tensor(1f), [1, 1, 1, 1, 1, 1] },
        { x => x.index_add_(1, tensor(new[] { 0L, 2L, 0L }), ones(2, 3), 2), [4, 0, 2, 4, 0, 2] },
        { x => x.index_copy_(0, tensor(new[] { 1L }), ones(1, 3)), [0, 0, 0, 1, 1, 1] },
        { x => x.index_fill_(1, tensor(new[] { 1L }), 3), [0, 3, 0, 0, 3, 0] },
        { x => x.scatter_(1, tensor(new[,] { { 2L }, { 0L } }), ones(2, 1)), [0, 0, 1, 1, 0, 0] },
        { x => x.scatter_add_(1, tensor(new[,] { { 2L, 2L } }), ones(1, 2)), [0, 0, 2, 0, 0, 0] },
    };

    [Theory]
    [MemberData(nameof(Writes), DisableDiscoveryEnumeration = true)]
    public void Write_IntoAMatrixOfZeros_ChangesOnlyItsPlaces(Action<Tensor> write, double[] values)
    {
        using var scope = NewDisposeScope();
        var x = zeros(2, 3);
        write(x);
        Expect.Holds(x, values);
    }

    [Fact]
    public void Index_WithIntegersAndSlices_IsAView()
    {
        var x = zeros(2, 3);
        _ = x[1, 1..].fill_(1);
        Expect.Holds(x, 0, 0, 0, 0, 1, 1);
    }

    [Fact]
    public void Order_OfAVector_IsGivenWithItsPlaces()
    {
        var x = tensor(new[] { 3f, 1f, 2f });
        var (sorted, places) = x.sort();
        Expect.Holds(sorted, 1, 2, 3);
        Expect.Holds(places, 1, 2, 0);
        Expect.Holds(x.argsort(descending: true), 0, 2, 1);
        var (values, indices) = x.topk(2);
        Expect.Holds(values, 3, 2);
        Expect.Holds(indices, 0, 2);
        Expect.Holds(x.bucketize(tensor(new[] { 1.5f, 2.5f })), 2, 0, 1);
        Expect.Holds(x.isin(tensor(new[] { 1f, 3f })), 1, 1, 0);
    }
}
