namespace FineTuneService.Engine.Models;

/// <summary>Angle a position of each pair of a head's dimensions, after rope scaling, as transformers' modeling_rope_utils has them.</summary>
/// <param name="Inverse">[headDim / 2], fp32.</param>
/// <param name="Scaling">Factor on cosines and sines (yarn's attention factor).</param>
internal sealed record RotaryFrequencies(float[] Inverse, double Scaling)
{
    /// <param name="length">Positions of the longest sequence: dynamic scaling depends on it.</param>
    /// <exception cref="NotSupportedException">A kind of rope scaling that is not built, by name.</exception>
    public static RotaryFrequencies Of(RopeTraits rope, int length)
    {
        float[] plain = Plain(rope.Theta, rope.Dims);
        return rope.Scaling switch
        {
            null => new RotaryFrequencies(plain, 1),
            LinearRopeScaling linear => new RotaryFrequencies([.. plain.Select(f => f / (float)linear.Factor)], 1),
            Llama3RopeScaling llama3 => new RotaryFrequencies([.. plain.Select(f => Llama3(f, llama3))], 1),
            DynamicRopeScaling dynamic => new RotaryFrequencies(Plain(DynamicBase(rope, dynamic, length), rope.Dims), 1),
            YarnRopeScaling yarn => Yarn(plain, rope, yarn),
            LongRopeScaling longer => new RotaryFrequencies(
                [.. plain.Zip(length > longer.OriginalMaxPositions ? longer.Long : longer.Short, (f, divisor) => f / (float)divisor)], longer.AttentionFactor),
            _ => throw new NotSupportedException($"rope scaling {rope.Scaling.GetType().Name} is not supported"),
        };
    }

    public bool SameAs(RotaryFrequencies other) => Scaling == other.Scaling && Inverse.AsSpan().SequenceEqual(other.Inverse);

    /// <summary>theta^(-2i/d), every step rounded to fp32 as torch does.</summary>
    private static float[] Plain(double theta, int headDim)
    {
        var inverse = new float[headDim / 2];
        for (int i = 0; i < inverse.Length; i++) inverse[i] = 1 / (float)Math.Pow(theta, 2f * i / headDim);
        return inverse;
    }

    /// <summary>Low frequencies are slowed by the factor, high ones kept, those between blended.</summary>
    private static float Llama3(float inverse, Llama3RopeScaling scaling)
    {
        double wavelength = 2 * Math.PI / inverse, original = scaling.OriginalMaxPositions;
        if (wavelength < original / scaling.HighFrequencyFactor) return inverse;
        if (wavelength > original / scaling.LowFrequencyFactor) return inverse / (float)scaling.Factor;
        double smooth = (original / wavelength - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
        return (float)((1 - smooth) * inverse / scaling.Factor + smooth * inverse);
    }

    /// <summary>NTK-aware: the base grows once a sequence is longer than the model was trained on.</summary>
    private static double DynamicBase(RopeTraits rope, DynamicRopeScaling scaling, int length)
    {
        double stretched = scaling.Factor * Math.Max(length, rope.MaxPositions) / rope.MaxPositions - (scaling.Factor - 1);
        return rope.Theta * Math.Pow(stretched, rope.Dims / (rope.Dims - 2.0));
    }

    /// <summary>https://arxiv.org/abs/2309.00071: interpolates dimensions that turn less than betaSlow times over the original length,
    /// keeps those that turn more than betaFast times, and blends between.</summary>
    private static RotaryFrequencies Yarn(float[] plain, RopeTraits rope, YarnRopeScaling scaling)
    {
        double low = Dimension(scaling.BetaFast), high = Dimension(scaling.BetaSlow);
        if (scaling.Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(0, low), Math.Min(rope.Dims - 1, high));
        if (low == high) high += 0.001;
        var inverse = new float[plain.Length];
        for (int i = 0; i < inverse.Length; i++)
        {
            double interpolated = Math.Clamp((i - low) / (high - low), 0, 1);
            inverse[i] = (float)(plain[i] / scaling.Factor * interpolated + plain[i] * (1 - interpolated));
        }
        return new RotaryFrequencies(inverse, AttentionFactor(scaling));

        double Dimension(double rotations) => rope.Dims * Math.Log(scaling.OriginalMaxPositions / (rotations * 2 * Math.PI)) / (2 * Math.Log(rope.Theta));
    }

    /// <summary>On cosines and sines: as the config says, or 0.1·ln(factor) + 1, or the ratio of two such where the config weighs the logarithm (DeepSeek V3's).</summary>
    public static double AttentionFactor(YarnRopeScaling scaling)
    {
        if (scaling.AttentionFactor is { } given) return given;
        double Of(double mscale) => scaling.Factor <= 1 ? 1 : 0.1 * mscale * Math.Log(scaling.Factor) + 1;
        return scaling is { Mscale: > 0 and var mscale, MscaleAllDim: > 0 and var all } ? Of(mscale) / Of(all) : Of(1);
    }
}
