using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>A signed byte a value and a scale a row, as bitsandbytes' Linear8bitLt keeps them.</summary>
/// <param name="Threshold">
/// From here on an activation is an outlier: its column is multiplied apart, all others in int8 (LLM.int8, https://arxiv.org/abs/2208.07339; 6
/// there, and 0 means that nothing is apart). Null: activations stay as they are, and the weight is widened, as bitsandbytes trains on a CPU.
/// </param>
internal sealed record Int8Format(float? Threshold) : WeightFormat
{
    /// <summary>LLM.int8's.</summary>
    public const float OutlierThreshold = 6;

    public override WeightMatrix Encode(Tensor values, ScalarType compute)
    {
        using Tensor rounded = values.to_type(compute);
        return Int8Matrix.Quantize(rounded, Threshold, compute);
    }

    public override long BytesOf(long rows, long columns, ScalarType compute) => rows * (columns + sizeof(float));
}
