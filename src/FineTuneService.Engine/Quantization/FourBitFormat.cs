using static TorchSharp.torch;

namespace FineTuneService.Engine.Quantization;

/// <summary>4-bit codes in blocks of 64 values that cross rows, as bitsandbytes' Linear4bit keeps them.</summary>
/// <param name="Double">Whether the blocks' scales are quantised to 8 bits (QLoRA, section 3).</param>
internal abstract record FourBitFormat(bool Double) : WeightFormat
{
    /// <summary>Scales are rounded to 8 bits as bitsandbytes' CPU kernel does it, by a table, for bases that were quantised so.</summary>
    public bool ByTable { get; init; }

    protected abstract FourBitCode Code { get; }

    public override WeightMatrix Encode(Tensor values, ScalarType compute)
    {
        using Tensor rounded = values.to_type(compute);
        return FourBitMatrix.Quantize(rounded, Code, Double, compute, byTable: ByTable);
    }

    public override long BytesOf(long rows, long columns, ScalarType compute)
    {
        long count = rows * columns, blocks = FourBitMatrix.Blocks(count, FourBitMatrix.DefaultBlock);
        return FourBitCode.PackedBytes(count) + (Double ? DoubleQuantization.BytesOf(blocks) : blocks * sizeof(float));
    }
}

/// <summary>4-bit NormalFloat: quantiles of a normal distribution, with an exact 0 (QLoRA, https://arxiv.org/abs/2305.14314, appendix E).</summary>
internal sealed record Nf4Format(bool Double) : FourBitFormat(Double)
{
    public static readonly FourBitCode NormalFloat = new(
        -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
        -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
        0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f);

    protected override FourBitCode Code => NormalFloat;
}

/// <summary>bitsandbytes' 4-bit floating point: a sign, two exponent bits and one of the mantissa, scaled so that the largest is 1.</summary>
internal sealed record Fp4Format(bool Double) : FourBitFormat(Double)
{
    public static readonly FourBitCode FloatingPoint = new(
        0, 0.0052083334885537624f, 2f / 3, 1, 1f / 3, 0.5f, 1f / 6, 0.25f,
        -0f, -0.0052083334885537624f, -2f / 3, -1, -1f / 3, -0.5f, -1f / 6, -0.25f);

    protected override FourBitCode Code => FloatingPoint;
}
