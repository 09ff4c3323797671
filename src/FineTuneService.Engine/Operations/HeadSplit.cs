using FineTuneService.Engine.Kernels;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Operations;

/// <summary>
/// Moves queries, keys and values between the tokens' layout, as the linear layers read and write it, and a layout head by head,
/// where each product of attention is over contiguous matrices and the queries that share a key/value head lie one under the other.
/// </summary>
internal static class HeadSplit
{
    /// <param name="tokens">[tokens, heads·headDim, or more].</param>
    /// <param name="queries">[problems, group·width, headDim], tile by tile, in a tile group by group.</param>
    public static void SplitQueries(Tensor tokens, AttentionShape shape, Tensor queries)
    {
        foreach (QueryTile tile in shape.Tiles) OfTile(queries, tile, shape).copy_(TileTokens(tokens, tile, shape));
    }

    /// <summary>The inverse of <see cref="SplitQueries"/>.</summary>
    public static void MergeQueries(Tensor queries, AttentionShape shape, Tensor tokens)
    {
        foreach (QueryTile tile in shape.Tiles) TileTokens(tokens, tile, shape).copy_(OfTile(queries, tile, shape));
    }

    /// <param name="qkv">[tokens, slots·headDim].</param>
    /// <param name="keys">[problems, width, headDim].</param>
    /// <param name="values">[problems, width, headDim].</param>
    public static void SplitKeysAndValues(Tensor qkv, AttentionShape shape, Tensor keys, Tensor values)
    {
        ByHead(keys, shape).copy_(ByRow(shape.Keys(qkv), shape));
        ByHead(values, shape).copy_(ByRow(shape.Values(qkv), shape));
    }

    /// <summary>The inverse of <see cref="SplitKeysAndValues"/>.</summary>
    public static void MergeKeysAndValues(Tensor keys, Tensor values, AttentionShape shape, Tensor qkv)
    {
        ByRow(shape.Keys(qkv), shape).copy_(ByHead(keys, shape));
        ByRow(shape.Values(qkv), shape).copy_(ByHead(values, shape));
    }

    private static Tensor OfTile(Tensor queries, QueryTile tile, AttentionShape shape) =>
        queries.narrow(1, tile.FirstRow, tile.Rows).view(shape.Rows, shape.KeyValueHeads, shape.Group, tile.Length, shape.HeadDim);

    private static Tensor TileTokens(Tensor tokens, QueryTile tile, AttentionShape shape)
    {
        // Attention's output has queries' heads alone, whatever the layout of what it reads.
        Tensor queries = tokens.shape[1] == shape.Heads * shape.HeadDim
            ? tokens.view(tokens.shape[0], shape.KeyValueHeads, shape.Group, shape.HeadDim) : shape.Queries(tokens);
        return queries.unflatten(0, [shape.Rows, shape.Width]).narrow(1, tile.Start, tile.Length).permute(0, 2, 3, 1, 4);
    }

    private static Tensor ByHead(Tensor heads, AttentionShape shape) =>
        heads.view(shape.Rows, shape.KeyValueHeads, shape.Width, shape.HeadDim);

    private static Tensor ByRow(Tensor heads, AttentionShape shape) => heads.unflatten(0, [shape.Rows, shape.Width]).permute(0, 2, 1, 3);
}
