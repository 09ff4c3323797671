using System.Buffers.Binary;
using System.Numerics.Tensors;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q8_0: 32 signed bytes and a scale.</summary>
internal static class Q8
{
    public static void Decode(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < values.Length; i++) values[i] = scale * (sbyte)block[2 + i];
    }

    public static void Encode(ReadOnlySpan<float> values, Span<byte> block)
    {
        float scale = MathF.Abs(TensorPrimitives.MaxMagnitude(values)) / 127, inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(block, (System.Half)scale);
        for (int i = 0; i < values.Length; i++) block[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
    }
}
