using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>fp16 values, which products see in fp32: half the bytes, and the results of fp32 on values that fp16 holds.</summary>
internal sealed record HalfFormat : WeightFormat
{
    public override WeightFormat OfTables => this;

    public override WeightMatrix Encode(Tensor values, ScalarType compute)
    {
        Tensor weight = empty(values.shape, ScalarType.Float16, values.device);
        weight.copy_(values);
        return new HalfMatrix(weight, compute);
    }

    public override long BytesOf(long rows, long columns, ScalarType compute) => rows * columns * sizeof(ushort);
}
