using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Kernels;

/// <summary>bf16 products that are made in fp32, on any machine: the sum in fp32, rounded once, whatever the operands' layout.</summary>
public sealed class MatrixProductTests : IDisposable
{
    private const int M = 37, K = 48, N = 29, Batches = 3;

    private readonly bool _before = MatrixProduct.ThroughFp32;
    private readonly IDisposable _tensors = NewDisposeScope();
    private readonly BufferPool _pool = new(CPU);

    public MatrixProductTests() => MatrixProduct.ThroughFp32 = true;

    [Theory]
    [InlineData(0, 1), InlineData(1, 1), InlineData(1, 2), InlineData(0, 0.5)]
    public void Add_ThroughFp32_RoundsTheSumOnce(float beta, float alpha)
    {
        foreach (Tensor left in Layouts(1, M, K))
        {
            foreach (Tensor right in Layouts(2, K, N))
            {
                foreach (Tensor target in Layouts(3, M, N))
                {
                    Tensor sum = Wide(target).clone().addmm_(Wide(left), Wide(right), beta, alpha);
                    MatrixProduct.Add(target, left, right, _pool, beta, alpha);
                    KernelPaths.Equal(sum, target);
                }
            }
        }
        AssertEverythingIsReturned(() => MatrixProduct.Add(Draw(3, M, N), Draw(1, M, K), Draw(2, K, N), _pool, beta, alpha));
    }

    [Fact]
    public void Add_TargetOfNaNAndBetaZero_IsTheProduct()
    {
        Tensor left = Draw(1, M, K), right = Draw(2, K, N), target = full([M, N], float.NaN, ScalarType.BFloat16);
        MatrixProduct.Add(target, left, right, _pool, beta: 0);
        KernelPaths.Equal(Wide(left).mm(Wide(right)), target);
    }

    [Fact]
    public void Add_Fp32_IsLibtorchsOwn()
    {
        Tensor left = Wide(Draw(1, M, K)), right = Wide(Draw(2, K, N)), target = zeros(M, N);
        MatrixProduct.Add(target, left, right, _pool, beta: 0);
        Assert.True(target.Equals(left.mm(right)));
        Assert.Equal(0, _pool.Blocks);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Batch_ThroughFp32_EqualsProductsOfEach(bool transposed)
    {
        Tensor left = transposed ? Draw(1, Batches, K, M).transpose(1, 2) : Draw(1, Batches, M, K);
        Tensor right = transposed ? Draw(2, Batches, N, K).transpose(1, 2) : Draw(2, Batches, K, N);
        Tensor wanted = Wide(left).bmm(Wide(right)), made = MatrixProduct.Batch(left, right, _pool);
        Assert.Equal(ScalarType.BFloat16, made.dtype);
        KernelPaths.Equal(wanted, made);

        Tensor target = Draw(3, Batches, M, N), sum = Wide(target) + wanted;
        MatrixProduct.Batch(target, left, right, _pool, add: true);
        KernelPaths.Equal(sum, target);
        MatrixProduct.Batch(target, left, right, _pool);
        KernelPaths.Equal(wanted, target);
        AssertEverythingIsReturned(() => MatrixProduct.Batch(target, left, right, _pool));
    }

    [Fact]
    public void Widens_Fp32OrAProcessorThatMultipliesBf16_IsFalse()
    {
        Assert.True(MatrixProduct.Widens(Draw(1, M, K)));
        Assert.False(MatrixProduct.Widens(zeros(M, K)));
        MatrixProduct.ThroughFp32 = false;
        Assert.False(MatrixProduct.Widens(Draw(1, M, K)));
    }

    public void Dispose()
    {
        MatrixProduct.ThroughFp32 = _before;
        _pool.Dispose();
        _tensors.Dispose();
    }

    /// <summary>Contiguous, transposed, and some columns of a wider matrix.</summary>
    private static Tensor[] Layouts(ulong stream, int rows, int columns) =>
        [Draw(stream, rows, columns), Draw(stream, columns, rows).t(), Draw(stream, rows, columns + 7).narrow(1, 3, columns)];

    private static Tensor Draw(ulong stream, params long[] shape) => KernelPaths.Draw(stream, ScalarType.BFloat16, shape);

    private static Tensor Wide(Tensor values) => values.to_type(ScalarType.Float32);

    /// <summary>Where all that was lent came back, the same product again needs no new block.</summary>
    private void AssertEverythingIsReturned(Action product)
    {
        int blocks = _pool.Blocks;
        product();
        Assert.Equal(blocks, _pool.Blocks);
    }
}
