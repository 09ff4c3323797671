namespace TorchSharp.Tests;

public sealed class LinearAlgebraTests
{
    private static readonly Tensor A = tensor(new[,] { { 1f, 2f }, { 3f, 4f } });
    private static readonly Tensor B = tensor(new[,] { { 5f, 6f }, { 7f, 8f } });

    [Fact]
    public void Products_OfSmallMatrices_GiveTheirValues()
    {
        double[] product = [19, 22, 43, 50];
        Expect.Holds(A.mm(B), product);
        Expect.Holds(A.matmul(B), product);
        Expect.Holds(A.unsqueeze(0).bmm(B.unsqueeze(0)), product);
        Expect.Holds(einsum("ij,jk->ik", A, B), product);
        Expect.Holds(A.mv(tensor(new[] { 1f, 1f })), 3, 7);
        Expect.Holds(A[0].dot(B[1]), 23);
        Expect.Holds(A[0].outer(B[0]), 5, 6, 10, 12);
        Expect.Holds(A.inner(B), 17, 23, 39, 53);
        Expect.Holds(A.trace(), 5);
        Expect.Holds(A.diag(), 1, 4);
    }

    [Fact]
    public void Addmm_WithFactors_ScalesBothTerms()
    {
        Expect.Holds(ones(2, 2).addmm(A, B, beta: 3, alpha: 0.5f), 12.5, 14, 24.5, 28);
        Expect.Holds(ones(1, 2, 2).baddbmm(A.unsqueeze(0), B.unsqueeze(0), beta: 3, alpha: 0.5f), 12.5, 14, 24.5, 28);
        Expect.Holds(ones(2).addmv(A, ones(2), beta: 2), 5, 9);
    }

    public static TheoryData<ScalarType, string> Layouts
    {
        get
        {
            var data = new TheoryData<ScalarType, string>();
            foreach (var type in new[] { float32, bfloat16 })
                foreach (var layout in new[] { "contiguous", "columns", "rows", "transposed" })
                    data.Add(type, layout);
            return data;
        }
    }

    /// <summary>The Engine's central fact: with beta 0 a product goes into memory that exists, whatever that held and however it is strided.</summary>
    [Theory]
    [MemberData(nameof(Layouts))]
    public void AddmmInPlace_WithBetaZeroOverNans_WritesTheProductIntoTheBuffer(ScalarType type, string layout)
    {
        using var scope = NewDisposeScope();
        manual_seed(1).Dispose();
        var (x, w) = (randn(24, 40).to(type), randn(56, 40).to(type));
        var whole = full(64, 128, value: float.NaN, dtype: type);
        var buffer = layout switch
        {
            "columns" => whole.narrow(0, 0, 24).narrow(1, 8, 56),
            "rows" => full(64, 56, value: float.NaN, dtype: type).narrow(0, 8, 24),
            "transposed" => full(56, 24, value: float.NaN, dtype: type).t(),
            _ => full(24, 56, value: float.NaN, dtype: type),
        };
        var returned = buffer.addmm_(x, w.t(), beta: 0);
        Assert.Same(buffer, returned);
        var expected = x.to(float64).mm(w.to(float64).t());
        Assert.True(buffer.to(float64).allclose(expected, rtol: type == bfloat16 ? 1e-2 : 1e-5, atol: type == bfloat16 ? 5e-2 : 1e-4));
        Assert.Equal(layout == "columns" ? 64 * 128 - 24 * 56 : 0, whole.isnan().sum().ToInt64() % (64 * 128));
    }

    [Fact]
    public void Matmul_OfBatchedHeads_MatchesEachPair()
    {
        var (q, k) = (randn(2, 3, 5, 4), randn(2, 3, 5, 4));
        var scores = q.matmul(k.transpose(2, 3));
        Assert.True(scores[1][2].allclose(q[1][2].mm(k[1][2].t()), atol: 1e-6));
    }
}
