namespace TorchSharp.Tests;

public sealed class ComparisonTests
{
    private static readonly Tensor A = tensor(new[] { 1f, 2f, 3f });
    private static readonly Tensor B = tensor(new[] { 3f, 2f, 1f });

    [Fact]
    public void Comparisons_OfVectors_GiveTruthValues()
    {
        Expect.Holds(A.eq(B), 0, 1, 0);
        Expect.Holds(A.ne(B), 1, 0, 1);
        Expect.Holds(A.lt(B), 1, 0, 0);
        Expect.Holds(A.le(B), 1, 1, 0);
        Expect.Holds(A.gt(B), 0, 0, 1);
        Expect.Holds(A.ge(B), 0, 1, 1);
        Assert.Equal(ScalarType.Bool, (A == B).dtype);
    }

    [Fact]
    public void Operators_WithANumberOnEitherSide_CompareAsWritten()
    {
        Expect.Holds(A < 2, 1, 0, 0);
        Expect.Holds((Scalar)2 < A, 0, 0, 1);
        Expect.Holds(A >= 2, 0, 1, 1);
        Expect.Holds((Scalar)2 >= A, 1, 1, 0);
        Expect.Holds(A != 2, 1, 0, 1);
    }

    [Fact]
    public void Equal_AndAllclose_CompareWholeTensors()
    {
        Assert.True(A.Equals(A.clone()));
        Assert.False(A.Equals(B));
        Assert.True((bool)A.equal(A.clone()));
        Assert.True(A.allclose(A + 1e-7));
        Assert.False(A.allclose(A + 1e-2));
        Expect.Holds(A.isclose(B), 0, 1, 0);
    }
}
