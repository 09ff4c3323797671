namespace FineTuneService.Engine.Models.Operations;

/// <summary>Sizes of grouped-query attention, https://arxiv.org/abs/2305.13245, over a batch.</summary>
/// <param name="Rows">Sequences of the batch.</param>
/// <param name="Width">Tokens of each, padding included.</param>
/// <param name="Heads">Query heads.</param>
internal readonly record struct AttentionShape(int Rows, int Width, int Heads, int KeyValueHeads, int HeadDim)
{
    /// <summary>Queries are taken in tiles of this many tokens: a tile's scores reach only the keys up to its last token, and no
    /// matrix of width × width exists.</summary>
    private const int TileWidth = 256;

    /// <summary>Query heads that share a key/value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Key/value heads of all rows: attention's independent problems.</summary>
    public int Problems => Rows * KeyValueHeads;

    public float Scale => 1 / MathF.Sqrt(HeadDim);

    /// <summary>Tiles from first to last.</summary>
    public IEnumerable<QueryTile> Tiles
    {
        get
        {
            for (int start = 0; start < Width; start += TileWidth)
                yield return new QueryTile(start, Math.Min(TileWidth, Width - start), Group);
        }
    }
}

/// <summary>Tokens [<paramref name="Start"/>, +<paramref name="Length"/>) of every query head of a group.</summary>
internal readonly record struct QueryTile(int Start, int Length, int Group)
{
    /// <summary>The tile's queries in a problem's matrix, group by group: rows [FirstRow, +Rows).</summary>
    public int FirstRow => Group * Start;

    public int Rows => Group * Length;

    /// <summary>Keys that the tile's last token sees.</summary>
    public int Keys => Start + Length;
}
