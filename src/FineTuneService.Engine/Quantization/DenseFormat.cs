using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>The values themselves, in the dtype of the products.</summary>
internal sealed record DenseFormat : WeightFormat
{
    public override WeightMatrix Encode(Tensor values, ScalarType compute)
    {
        Tensor weight = empty(values.shape, compute, values.device);
        weight.copy_(values);
        return new DenseMatrix(weight);
    }

    /// <summary>Each tensor is read into its place: nothing is held twice.</summary>
    public override WeightMatrix Encode(ITensorSource source, IReadOnlyList<string> names, ScalarType compute)
    {
        long[] rows = [.. names.Select(name => source.Find(name)!.Shape[0])];
        Tensor joined = empty([rows.Sum(), source.Find(names[0])!.Shape[1]], compute);
        long offset = 0;
        for (int i = 0; i < rows.Length; offset += rows[i++])
        {
            using Tensor place = joined.narrow(0, offset, rows[i]);
            source.CopyTo(names[i], place);
        }
        return new DenseMatrix(joined);
    }

    public override long BytesOf(long rows, long columns, ScalarType compute) => rows * columns * FileTensor.SizeOf(compute);
}
