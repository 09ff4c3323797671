using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>
/// The order of a head's rows in q and k: halves (row i turns with row i + d/2), as transformers has them, or pairs (2i with 2i + 1), as
/// ggml's llama has them. Rows are whole in every ggml type, so blocks are reordered as they are.
/// </summary>
internal static class HeadRows
{
    /// <param name="rows">[heads · d, …].</param>
    public static Tensor ToPairs(Tensor rows, int heads) => Swap(rows, heads, 2, rows.shape[0] / heads / 2);

    /// <inheritdoc cref="ToPairs"/>
    public static Tensor ToHalves(Tensor rows, int heads) => Swap(rows, heads, rows.shape[0] / heads / 2, 2);

    private static Tensor Swap(Tensor rows, int heads, long outer, long inner)
    {
        using var scope = NewDisposeScope();
        return rows.reshape([heads, outer, inner, .. rows.shape[1..]]).transpose(1, 2).reshape(rows.shape).contiguous().MoveToOuterDisposeScope();
    }
}
