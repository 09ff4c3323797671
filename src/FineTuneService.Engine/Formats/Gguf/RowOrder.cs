using static TorchSharp.torch;

namespace FineTuneService.Engine.Formats.Gguf;

/// <summary>Query heads and key/value heads of a model, as its file says.</summary>
internal readonly record struct HeadCounts(int Query, int KeyValue);

/// <summary>
/// How GGUF orders the rows of a tensor [rows, …] that transformers orders otherwise. Rows are whole in every ggml type, so blocks are reordered
/// as they are.
/// </summary>
internal sealed class RowOrder
{
    /// <summary>A head's halves (row i turns with row i + d/2) become neighbours (2i with 2i + 1), which is how ggml's llama turns them.</summary>
    public static readonly RowOrder QueryPairs = new(heads => 2 * heads.Query, (rows, heads) => Swap(rows, heads.Query, true), (rows, heads) => Swap(rows, heads.Query, false));

    /// <inheritdoc cref="QueryPairs"/>
    public static readonly RowOrder KeyPairs = new(heads => 2 * heads.KeyValue, (rows, heads) => Swap(rows, heads.KeyValue, true), (rows, heads) => Swap(rows, heads.KeyValue, false));

    /// <summary>Each key/value head's queries, key and value lie together in transformers; in GGUF all queries, then all keys, then all values.</summary>
    public static readonly RowOrder Grouped = new(heads => heads.Query + 2 * heads.KeyValue, Parts, Groups);

    private readonly Func<HeadCounts, int> _unit;
    private readonly Func<Tensor, HeadCounts, Tensor> _toGguf, _toHuggingFace;

    private RowOrder(Func<HeadCounts, int> unit, Func<Tensor, HeadCounts, Tensor> toGguf, Func<Tensor, HeadCounts, Tensor> toHuggingFace) =>
        (_unit, _toGguf, _toHuggingFace) = (unit, toGguf, toHuggingFace);

    /// <summary>Whether as many rows can be of so many heads.</summary>
    public bool Fits(long rows, HeadCounts heads) => rows % _unit(heads) == 0 && heads.Query % heads.KeyValue == 0;

    public Tensor ToGguf(Tensor rows, HeadCounts heads) => Run(_toGguf, rows, heads);

    public Tensor ToHuggingFace(Tensor rows, HeadCounts heads) => Run(_toHuggingFace, rows, heads);

    private static Tensor Run(Func<Tensor, HeadCounts, Tensor> order, Tensor rows, HeadCounts heads)
    {
        using var scope = NewDisposeScope();
        return order(rows, heads).reshape(rows.shape).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor Swap(Tensor rows, int heads, bool toPairs)
    {
        long half = rows.shape[0] / heads / 2;
        return rows.reshape([heads, toPairs ? 2 : half, toPairs ? half : 2, .. rows.shape[1..]]).transpose(1, 2);
    }

    private static Tensor Parts(Tensor rows, HeadCounts heads)
    {
        int queries = heads.Query / heads.KeyValue;
        Tensor groups = rows.reshape([heads.KeyValue, queries + 2, Dims(rows, heads), .. rows.shape[1..]]);
        return cat([.. new[] { groups.narrow(1, 0, queries), groups.narrow(1, queries, 1), groups.narrow(1, queries + 1, 1) }.Select(part => part.flatten(0, 2))]);
    }

    private static Tensor Groups(Tensor rows, HeadCounts heads)
    {
        long dims = Dims(rows, heads), q = heads.Query * dims, kv = heads.KeyValue * dims;
        Tensor[] parts = [.. new[] { rows.narrow(0, 0, q), rows.narrow(0, q, kv), rows.narrow(0, q + kv, kv) }.Select(part => part.reshape([heads.KeyValue, -1, dims, .. rows.shape[1..]]))];
        return cat(parts, 1);
    }

    private static long Dims(Tensor rows, HeadCounts heads) => rows.shape[0] / (heads.Query + 2 * heads.KeyValue);
}
