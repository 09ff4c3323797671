using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A matrix of signed bytes, a scale a row.</summary>
internal sealed class Int8Matrix : WeightMatrix
{
    private readonly float? _threshold;

    /// <param name="codes">int8 [rows, columns].</param>
    /// <param name="absmax">fp32 [rows] (bitsandbytes' SCB).</param>
    /// <param name="threshold">As in <see cref="Int8Format"/>.</param>
    public Int8Matrix(Tensor codes, Tensor absmax, float? threshold, ScalarType dtype)
        : base((int)codes.size(0), (int)codes.size(1), dtype) =>
        (Codes, Absmax, _threshold) = (codes.DetachFromDisposeScope(), absmax.DetachFromDisposeScope(), threshold);

    public Tensor Codes { get; }

    public Tensor Absmax { get; }

    public override IEnumerable<Tensor> Tensors => [Codes, Absmax];

    public static Int8Matrix Quantize(Tensor values, float? threshold, ScalarType dtype)
    {
        Int8Rows rows = Int8Rows.Quantize(values);
        return new Int8Matrix(rows.Codes, rows.Absmax, threshold, dtype);
    }

    public override void Fill(Tensor dense) => Int8Rows.Dequantize(Codes, Absmax, dense);

    public override void Multiply(Tensor x, Tensor y, BufferPool pool, Tensor? bias = null)
    {
        if (_threshold is { } threshold) MultiplyInt8(x, y, pool, threshold, bias);
        else base.Multiply(x, y, pool, bias);
    }

    public override WeightMatrix? Join(IReadOnlyList<WeightMatrix> parts)
    {
        Int8Matrix[] all = [.. parts.Cast<Int8Matrix>()];
        return new Int8Matrix(cat([.. all.Select(part => part.Codes)]), cat([.. all.Select(part => part.Absmax)]), _threshold, Dtype);
    }

    /// <summary>
    /// LLM.int8: x's rows are quantised as W's are, and columns that hold an outlier in any of them are multiplied in x's own dtype. Codes are
    /// multiplied in fp32, where their sums are whole numbers (beyond 1,040 columns all but).
    /// </summary>
    private void MultiplyInt8(Tensor x, Tensor y, BufferPool pool, float threshold, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        Int8Rows left = Int8Rows.Quantize(x, threshold);
        Tensor wide = pool.Lend(ScalarType.Float32, Rows, Columns), products = pool.Lend(ScalarType.Float32, x.size(0), Rows);
        wide.copy_(Codes);
        MatrixProduct.Add(products, left.Codes.to_type(ScalarType.Float32), wide.t(), pool, beta: 0);
        Int8Rows.Scale(products, left.Absmax, Absmax);
        if (bias is not null) products.add_(bias);
        y.copy_(products);
        pool.Return(products);
        pool.Return(wide);
        if (left.Outliers is { } outliers && outliers.numel() > 0) AddOutliers(x, y, outliers, pool);
    }

    private void AddOutliers(Tensor x, Tensor y, Tensor columns, BufferPool pool)
    {
        Tensor weight = empty([Rows, columns.numel()], Dtype, x.device);
        Int8Rows.Dequantize(Codes.index_select(1, columns), Absmax, weight);
        MatrixProduct.Add(y, x.index_select(1, columns), weight.t(), pool, beta: 1);
    }
}
