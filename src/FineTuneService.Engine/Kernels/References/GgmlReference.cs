using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats.Gguf;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels.References;

/// <summary>ggml's blocks by the formulas of their types, a number at a time: for types that have no kernel, and what kernels are held against.</summary>
internal static class GgmlReference
{
    /// <inheritdoc cref="Ggml.GgmlKernel.Widen"/>
    public static void Widen(GgmlType type, RowMemory blocks, RowMemory? indices, RowMemory values) =>
        Chunks.Run(values.Count, row => Widen(type, blocks, indices is { } chosen ? At(chosen, row) : row, values, row));

    private static unsafe int At(RowMemory indices, int row) => (int)indices.Row<long>(0)[row];

    private static unsafe void Widen(GgmlType type, RowMemory blocks, int from, RowMemory values, int to)
    {
        var wide = new float[values.Width];
        type.DecodeAll(new ReadOnlySpan<byte>(blocks.Row<byte>(from), blocks.Width), wide);
        if (values.Dtype == ScalarType.Float32) wide.CopyTo(new Span<float>(values.Row<float>(to), wide.Length));
        else for (int i = 0; i < wide.Length; i++) values.Row<ushort>(to)[i] = FourBitKernel.Rounded(wide[i]);
    }
}
