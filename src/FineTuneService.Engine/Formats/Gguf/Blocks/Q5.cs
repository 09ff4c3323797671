using System.Buffers.Binary;

namespace FineTuneService.Engine.Formats.Gguf.Blocks;

/// <summary>Q5_0 and Q5_1: as Q4_0 and Q4_1, with a fifth bit of each code in a word of 32 bits.</summary>
internal static class Q5
{
    private const int Half = 16;

    public static void Decode0(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block);
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(block[2..]);
        for (int i = 0; i < values.Length; i++) values[i] = scale * (Code(block[6..], high, i) - 16);
    }

    public static void Decode1(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Plain.Half(block), lowest = Plain.Half(block[2..]);
        uint high = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        for (int i = 0; i < values.Length; i++) values[i] = scale * Code(block[8..], high, i) + lowest;
    }

    public static void Encode0(ReadOnlySpan<float> values, Span<byte> block)
    {
        (float scale, float inverse) = Codes.SignedScale(values, 16);
        BinaryPrimitives.WriteHalfLittleEndian(block, (System.Half)scale);
        uint high = 0;
        for (int i = 0; i < values.Length; i++) Store(block[6..], ref high, i, Codes.Of((float)(values[i] * (double)inverse + 16.5), 31));
        BinaryPrimitives.WriteUInt32LittleEndian(block[2..], high);
    }

    public static void Encode1(ReadOnlySpan<float> values, Span<byte> block)
    {
        (float scale, float inverse, float lowest) = Codes.Range(values, 31);
        BinaryPrimitives.WriteHalfLittleEndian(block, (System.Half)scale);
        BinaryPrimitives.WriteHalfLittleEndian(block[2..], (System.Half)lowest);
        uint high = 0;
        for (int i = 0; i < values.Length; i++) Store(block[8..], ref high, i, Codes.Of((values[i] - lowest) * inverse + 0.5f, 31));
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], high);
    }

    private static int Code(ReadOnlySpan<byte> low, uint high, int i) =>
        (i < Half ? low[i] & 15 : low[i - Half] >> 4) | (int)(high >> i & 1) << 4;

    private static void Store(Span<byte> low, ref uint high, int i, int code)
    {
        if (i < Half) low[i] = (byte)(code & 15);
        else low[i - Half] |= (byte)((code & 15) << 4);
        high |= (uint)(code >> 4) << i;
    }
}
