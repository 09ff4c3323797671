using FineTuneService.Engine.Compute;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>
/// Products of matrices. On a CPU without instructions for bf16, where libtorch multiplies it at a third to a fiftieth of fp32's speed, bf16
/// products are made in fp32: the operands are widened into lent buffers, and the sum is rounded once, which is also what the
/// instructions do. So a model in bf16 gives the same results on every machine, but for the order of sums.
/// </summary>
internal static class MatrixProduct
{
    /// <summary>Whether bf16 products are made in fp32; tests set it to run both ways on any machine.</summary>
    public static bool ThroughFp32 { get; set; } = !Processor.MultipliesBf16;

    /// <summary>Whether a product with these operands is made in fp32 instead of their own dtype.</summary>
    public static bool Widens(Tensor operand) => ThroughFp32 && operand.dtype == ScalarType.BFloat16 && operand.is_cpu();

    /// <summary>target = beta · target + alpha · left · right.</summary>
    /// <param name="target">[m, n]; where beta is 0 its old values do not matter.</param>
    /// <param name="left">[m, k].</param>
    /// <param name="right">[k, n].</param>
    public static void Add(Tensor target, Tensor left, Tensor right, BufferPool pool, float beta, float alpha = 1)
    {
        if (!Widens(target))
        {
            target.addmm_(left, right, beta, alpha);
            return;
        }
        using var scope = NewDisposeScope();
        using Widened wideLeft = new(left, pool), wideRight = new(right, pool);
        Tensor sum = pool.Lend(ScalarType.Float32, target.shape);
        if (beta != 0) sum.copy_(target);
        sum.addmm_(wideLeft.Values, wideRight.Values, beta, alpha);
        target.copy_(sum);
        pool.Return(sum);
    }

    /// <summary>left · right for each of a batch, as a new tensor.</summary>
    /// <param name="left">[batch, m, k].</param>
    /// <param name="right">[batch, k, n].</param>
    public static Tensor Batch(Tensor left, Tensor right, BufferPool pool)
    {
        if (!Widens(left)) return left.bmm(right);
        using var scope = NewDisposeScope();
        return WideBatch(left, right, pool).to_type(left.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>left · right for each of a batch, written into the target, or added to it.</summary>
    /// <param name="target">[batch, m, n].</param>
    public static void Batch(Tensor target, Tensor left, Tensor right, BufferPool pool, bool add = false)
    {
        using var scope = NewDisposeScope();
        Tensor product = Widens(left) ? WideBatch(left, right, pool) : left.bmm(right);
        _ = add ? target.add_(product) : target.copy_(product);
    }

    private static Tensor WideBatch(Tensor left, Tensor right, BufferPool pool)
    {
        using Widened wideLeft = new(left, pool), wideRight = new(right, pool);
        return wideLeft.Values.bmm(wideRight.Values);
    }

    /// <summary>A matrix's values in fp32, in a lent buffer.</summary>
    private readonly struct Widened : IDisposable
    {
        private readonly BufferPool _pool;
        private readonly Tensor _buffer;

        public Widened(Tensor values, BufferPool pool)
        {
            // A transposed matrix is copied in the order that it is stored in: copying across its rows is ten times slower.
            bool transposed = values.stride(-1) != 1 && values.stride(-2) == 1;
            Tensor stored = transposed ? values.transpose(-2, -1) : values;
            _pool = pool;
            _buffer = pool.Lend(ScalarType.Float32, stored.shape);
            _buffer.copy_(stored);
            Values = transposed ? _buffer.transpose(-2, -1) : _buffer;
        }

        public Tensor Values { get; }

        public void Dispose() => _pool.Return(_buffer);
    }
}
