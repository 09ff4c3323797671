namespace FineTuneService.Engine.Kernels.Ggml;

/// <summary>
/// Blocks of a ggml type, as kernels read them: every value is scale · code + minimum, its code a signed byte, its scale and minimum those of its
/// group. The numbers are, to the bit, those that <see cref="Formats.Gguf.GgmlType.Decode"/> gives.
/// </summary>
internal unsafe interface IGgmlBlock
{
    /// <summary>Values of a block: 32 or 256.</summary>
    static abstract int Values { get; }

    static abstract int Bytes { get; }

    /// <summary>Values that share a scale: 16 or 32.</summary>
    static abstract int Group { get; }

    static abstract bool HasMinima { get; }

    /// <summary>The codes, in the values' order: in the room that is given, or where they lie.</summary>
    static abstract sbyte* Codes(byte* block, sbyte* room);

    /// <param name="minima">Written where there are any.</param>
    static abstract void Scales(byte* block, float* scales, float* minima);
}
