using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Quantization;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Weights;

/// <summary>A linear layer: a matrix [Out, In] in whatever format, and its bias.</summary>
internal sealed class LinearWeight(WeightMatrix matrix) : IDisposable
{
    public WeightMatrix Matrix => matrix;

    /// <summary>The modules whose rows it joins, in order.</summary>
    public required IReadOnlyList<LinearPart> Parts { get; init; }

    public int In => matrix.Columns;

    public int Out => matrix.Rows;

    /// <summary>[Out], in the compute dtype.</summary>
    public Tensor? Bias { get; init; }

    /// <summary>The weight [Out, In] itself where it is stored dense, or null.</summary>
    public Tensor? Stored => matrix.Stored;

    /// <summary>The weight [Out, In] in the compute dtype: the stored tensor, or a buffer lent by the pool. Return it to the pool after use.</summary>
    public Tensor Dense(BufferPool pool) => matrix.Dense(pool);

    /// <summary>y = x·Wᵀ + bias.</summary>
    /// <param name="x">[tokens, In], in the compute dtype.</param>
    /// <param name="y">[tokens, Out], overwritten.</param>
    public void Multiply(Tensor x, Tensor y, BufferPool pool) => matrix.Multiply(x, y, pool, Bias);

    /// <summary>dx = beta · dx + dy·W.</summary>
    public void MultiplyBackward(Tensor dy, Tensor dx, float beta, BufferPool pool) => matrix.MultiplyBackward(dy, dx, beta, pool);

    /// <summary>Everything held, the bias included.</summary>
    public IEnumerable<Tensor> Tensors => Bias is null ? matrix.Tensors : [.. matrix.Tensors, Bias];

    /// <summary>Bytes held, the bias included.</summary>
    public long Bytes => Tensors.Sum(tensor => tensor.numel() * tensor.element_size());

    public void Dispose()
    {
        matrix.Dispose();
        Bias?.Dispose();
    }
}
