namespace FineTuneService.Engine.Kernels.Thin;

/// <summary>A matrix's rows as they are stored: weights in blocks of <see cref="ThinProduct.Block"/>, each with a scale.</summary>
internal interface IStoredRows
{
    /// <summary>A row's weights.</summary>
    ReadOnlySpan<byte> Row(int row);

    /// <summary>The scales of a row's blocks.</summary>
    void Scales(int row, Span<float> scales);
}
