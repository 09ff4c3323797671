using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>
/// A frozen matrix W [Rows, Columns] in some format. It is widened into a lent buffer for a product, forward and again backward, so nothing
/// but its codes is kept; a product with few rows reads the codes themselves, where its format has a kernel for that. What it holds are
/// tensors, which lie on one device.
/// </summary>
internal abstract class WeightMatrix(int rows, int columns, ScalarType dtype) : IDisposable
{
    public int Rows => rows;

    public int Columns => columns;

    /// <summary>Of the values that products see, whatever they are stored in: fp32 or bf16.</summary>
    public ScalarType Dtype => dtype;

    /// <summary>Everything that it holds.</summary>
    public abstract IEnumerable<Tensor> Tensors { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => Tensors.Sum(tensor => tensor.numel() * tensor.element_size());

    /// <summary>The values themselves, where they are stored as products see them; what full training changes.</summary>
    public virtual Tensor? Stored => null;

    /// <summary>The values [Rows, Columns]: the stored tensor, or a buffer lent by the pool. Return it to the pool after use.</summary>
    public virtual Tensor Dense(BufferPool pool)
    {
        Tensor dense = pool.Lend(dtype, rows, columns);
        Fill(dense);
        return dense;
    }

    /// <summary>The values [Rows, Columns]: another handle of the stored tensor, or a new one; the caller's.</summary>
    public Tensor Values()
    {
        if (Stored is { } stored) return stored.alias();
        Tensor values = empty([rows, columns], dtype, Tensors.First().device);
        Fill(values);
        return values;
    }

    /// <summary>Writes the values.</summary>
    /// <param name="dense">[Rows, Columns], contiguous, on the matrix' device; fp32 or bf16, rounded once.</param>
    public abstract void Fill(Tensor dense);

    /// <summary>rows[i] = row indices[i] of the matrix: what an embedding table is asked for.</summary>
    /// <param name="indices">int64 [count].</param>
    /// <param name="rows">[count, Columns], contiguous, of <see cref="Dtype"/>.</param>
    /// <exception cref="NotSupportedException">No table is kept in this format.</exception>
    public virtual void Gather(Tensor indices, Tensor rows) => throw new NotSupportedException($"{GetType().Name} is no format of tables");

    /// <summary>Whether a product with these rows reads the codes; what it gives a row is then the same bits in any company.</summary>
    public virtual bool ReadsCodes(Tensor x) => false;

    /// <summary>y = x·Wᵀ straight from the codes, where <see cref="ReadsCodes"/>.</summary>
    public virtual void MultiplyCodes(Tensor x, Tensor y) => throw new NotSupportedException($"{GetType().Name} has no product from its codes");

    /// <summary>y = x·Wᵀ + bias.</summary>
    /// <param name="x">[tokens, Columns], of <see cref="Dtype"/>.</param>
    /// <param name="y">[tokens, Rows], overwritten; it may be columns of a wider one.</param>
    /// <param name="bias">[Rows], or null.</param>
    public virtual void Multiply(Tensor x, Tensor y, BufferPool pool, Tensor? bias = null)
    {
        if (ReadsCodes(x))
        {
            MultiplyCodes(x, y);
            if (bias is not null) y.add_(bias);
            return;
        }
        Tensor dense = Dense(pool);
        if (bias is not null) y.copy_(bias);
        using Tensor transposed = dense.t();
        MatrixProduct.Add(y, x, transposed, pool, beta: bias is null ? 0 : 1);
        pool.Return(dense);
    }

    /// <summary>dx = beta · dx + dy·W.</summary>
    /// <param name="dy">[tokens, Rows].</param>
    /// <param name="dx">[tokens, Columns].</param>
    public void MultiplyBackward(Tensor dy, Tensor dx, float beta, BufferPool pool)
    {
        Tensor dense = Dense(pool);
        MatrixProduct.Add(dx, dy, dense, pool, beta);
        pool.Return(dense);
    }

    /// <summary>One matrix with the rows of all, which are of this class, or null where there can be none. It takes nothing of them.</summary>
    public virtual WeightMatrix? Join(IReadOnlyList<WeightMatrix> parts) => null;

    public void Dispose()
    {
        foreach (Tensor tensor in Tensors) tensor.Dispose();
    }
}
