namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Makes a block's numbers of its bytes.</summary>
internal delegate void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values);

/// <summary>Makes a block's bytes of its numbers.</summary>
internal delegate void EncodeBlock(ReadOnlySpan<float> values, Span<byte> block);

/// <summary>How ggml stores the numbers of a tensor (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): in blocks of as many values, each of as many bytes.</summary>
/// <param name="Encode">Null where nothing here writes the type.</param>
internal sealed record GgmlType(uint Id, string Name, int Values, int Bytes, DecodeBlock Decode, EncodeBlock? Encode = null)
{
    /// <summary>Bytes of a row, whose length is a multiple of <see cref="Values"/>.</summary>
    public long BytesOf(long count) => count / Values * Bytes;

    /// <summary>The numbers of whole blocks, as gguf's own dequantize gives them.</summary>
    /// <param name="values">A multiple of <see cref="Values"/>.</param>
    public void DecodeAll(ReadOnlySpan<byte> blocks, Span<float> values)
    {
        for (int block = 0; block * Values < values.Length; block++)
            Decode(blocks.Slice(block * Bytes, Bytes), values.Slice(block * Values, Values));
    }

    /// <exception cref="NotSupportedException">Nothing here writes the type.</exception>
    public void EncodeAll(ReadOnlySpan<float> values, Span<byte> blocks)
    {
        EncodeBlock encode = Encode ?? throw new NotSupportedException($"{Name} is read but not written");
        for (int block = 0; block * Values < values.Length; block++)
            encode(values.Slice(block * Values, Values), blocks.Slice(block * Bytes, Bytes));
    }
}
