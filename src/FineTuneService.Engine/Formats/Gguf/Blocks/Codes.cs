using System.Numerics.Tensors;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>What the simple types' encoders share, in gguf's own order of operations: the bytes are to be equal.</summary>
internal static class Codes
{
    /// <summary>A scale that maps the value farthest from zero to −most.</summary>
    public static (float Scale, float Inverse) SignedScale(ReadOnlySpan<float> values, float most)
    {
        float farthest = values[TensorPrimitives.IndexOfMaxMagnitude(values)];
        // Of two that are as far, the first counts.
        foreach (float value in values)
        {
            if (MathF.Abs(value) == MathF.Abs(farthest))
            {
                farthest = value;
                break;
            }
        }
        float scale = farthest / -most;
        return (scale, scale == 0 ? 0 : 1 / scale);
    }

    /// <summary>A scale that maps the lowest value to 0 and the highest to most.</summary>
    public static (float Scale, float Inverse, float Lowest) Range(ReadOnlySpan<float> values, float most)
    {
        float lowest = TensorPrimitives.Min(values), scale = (TensorPrimitives.Max(values) - lowest) / most;
        return (scale, scale == 0 ? 0 : 1 / scale, lowest);
    }

    /// <summary>Cut to a whole number from 0 to most. Q4_0's and Q5_0's product is not rounded before the sum, in gguf as in C that fuses both.</summary>
    public static int Of(float value, int most) => Math.Clamp((int)value, 0, most);
}
