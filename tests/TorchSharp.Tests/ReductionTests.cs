namespace TorchSharp.Tests;

public sealed class ReductionTests
{
    private static Tensor M => tensor(new[,] { { 1f, 5f, 3f }, { 4f, 2f, 6f } });

    public static TheoryData<Func<Tensor>, double[]> Cases => new()
    {
        { () => M.sum(), [21] },
        { () => M.sum(0L), [5, 7, 9] },
        { () => M.sum(1, keepdim: true), [9, 12] },
        { () => M.sum([0, 1], type: float64), [21] },
        { () => M.sum(-1), [9, 12] },
        { () => M.mean(), [3.5] },
        { () => M.mean([1]), [3, 4] },
        { () => M.prod(), [720] },
        { () => M.prod(0L), [4, 10, 18] },
        { () => M.var(), [3.5] },
        { () => M.var(1, unbiased: false), [8 / 3.0, 8 / 3.0] },
        { () => M.std(1), [2, 2] },
        { () => M.norm(), [Math.Sqrt(91)] },
        { () => M.norm(1), [Math.Sqrt(35), Math.Sqrt(56)] },
        { () => M.norm(1, p: 1), [9, 12] },
        { () => M.max(), [6] },
        { () => M.min(), [1] },
        { () => M.max(1).values, [5, 6] },
        { () => M.max(1).indexes, [1, 2] },
        { () => M.min(0).values, [1, 2, 3] },
        { () => M.amax(0), [4, 5, 6] },
        { () => M.amin([1], keepdim: true), [1, 2] },
        { () => M.argmax(), [5] },
        { () => M.argmax(1), [1, 2] },
        { () => M.argmin(0), [0, 1, 0] },
        { () => (M > 5).any(), [1] },
        { () => (M > 5).any(1), [0, 1] },
        { () => (M > 0).all(), [1] },
        { () => (M > 2).all(0), [0, 0, 1] },
        { () => (M > 2).count_nonzero(), [4] },
        { () => M.median(), [3] },
        { () => M.logsumexp(1), [Math.Log(Math.Exp(1) + Math.Exp(5) + Math.Exp(3)), Math.Log(Math.Exp(4) + Math.Exp(2) + Math.Exp(6))] },
        { () => M.cumsum(1), [1, 6, 9, 4, 6, 12] },
        { () => M.cumprod(0), [1, 5, 3, 4, 10, 18] },
        { () => M.softmax(1).sum(1), [1, 1] },
        { () => M.log_softmax(1).exp().sum(1), [1, 1] },
        { () => M.bfloat16().softmax(1, float32).sum(1), [1, 1] },
        { () => tensor(new[] { 1L, 1L, 3L }).bincount(null, 5), [0, 2, 0, 1, 0] },
        { () => M.quantile(tensor(0.5f)), [3, 4] },
    };

    [Theory]
    [MemberData(nameof(Cases), DisableDiscoveryEnumeration = true)]
    public void Member_OfAMatrix_GivesItsValues(Func<Tensor> member, double[] expected)
    {
        using var scope = NewDisposeScope();
        Expect.Holds(member(), expected);
    }

    [Fact]
    public void Sum_WithType_AddsInThatType()
    {
        var many = full(4096, value: 1f).bfloat16();
        Assert.Equal(ScalarType.Float32, many.sum(float32).dtype);
        Expect.Holds(many.sum(float32), 4096);
    }

    [Fact]
    public void Sum_WithKeepdim_KeepsTheRank() => Expect.Shaped(M.sum(1, keepdim: true), 2, 1);
}
