using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q4_0 and Q4_1: 32 codes of 4 bits, the first 16 in the low halves, with a scale, and in Q4_1 a lowest value.</summary>
internal static class Q4
{
    private const int Half = 16; // values

    public static void Decode0(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        for (int i = 0; i < Half; i++)
        {
            values[i] = scale * ((block[2 + i] & 15) - 8);
            values[i + Half] = scale * ((block[2 + i] >> 4) - 8);
        }
    }

    public static void Decode1(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block), lowest = Plain.Half(block[2..]);
        for (int i = 0; i < Half; i++)
        {
            values[i] = scale * (block[4 + i] & 15) + lowest;
            values[i + Half] = scale * (block[4 + i] >> 4) + lowest;
        }
    }

    /// <summary>The value that is farthest from zero gets code 0, which is −8.</summary>
    public static void Encode0(ReadOnlySpan<float> values, Span<byte> block)
    {
        (float scale, float inverse) = Codes.SignedScale(values, 8);
        BinaryPrimitives.WriteHalfLittleEndian(block, (System.Half)scale);
        for (int i = 0; i < Half; i++) block[2 + i] = (byte)(Codes.Of((float)(values[i] * (double)inverse + 8.5), 15) | Codes.Of((float)(values[i + Half] * (double)inverse + 8.5), 15) << 4);
    }

    public static void Encode1(ReadOnlySpan<float> values, Span<byte> block)
    {
        (float scale, float inverse, float lowest) = Codes.Range(values, 15);
        BinaryPrimitives.WriteHalfLittleEndian(block, (System.Half)scale);
        BinaryPrimitives.WriteHalfLittleEndian(block[2..], (System.Half)lowest);
        for (int i = 0; i < Half; i++)
            block[4 + i] = (byte)(Codes.Of((values[i] - lowest) * inverse + 0.5f, 15) | Codes.Of((values[i + Half] - lowest) * inverse + 0.5f, 15) << 4);
    }
}
