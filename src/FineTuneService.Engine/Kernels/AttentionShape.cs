using static TorchSharp.torch;

namespace FineTuneService.Engine.Kernels;

/// <summary>Sizes of grouped-query attention, https://arxiv.org/abs/2305.13245, over a batch.</summary>
/// <param name="Rows">Sequences of the batch.</param>
/// <param name="Width">Tokens of each, padding included.</param>
/// <param name="Heads">Query heads.</param>
/// <param name="Grouped">In a token's row each key/value head's queries, key and value lie together (GPT-NeoX, Falcon), instead of all queries
/// before all keys before all values.</param>
internal readonly record struct AttentionShape(int Rows, int Width, int Heads, int KeyValueHeads, int HeadDim, bool Grouped = false)
{
    /// <summary>Queries are taken in tiles of this many tokens: a tile's scores reach only the keys up to its last token, and no
    /// matrix of width × width exists.</summary>
    private const int TileWidth = 256;

    /// <summary>Scores of a part at most, unless one problem's tile has more: 8 MiB in bf16.</summary>
    private const int PartScores = 1 << 22;

    /// <summary>Query heads that share a key/value head.</summary>
    public int Group => Heads / KeyValueHeads;

    /// <summary>Key/value heads of all rows: attention's independent problems.</summary>
    public int Problems => Rows * KeyValueHeads;

    /// <summary>Heads in a token's row: queries, keys and values.</summary>
    public int Slots => Heads + 2 * KeyValueHeads;

    /// <summary>In a token's row, the place of a query head: the head number <c>QuerySlot</c> of the row.</summary>
    public int QuerySlot(int kvHead, int inGroup) => Grouped ? kvHead * (Group + 2) + inGroup : kvHead * Group + inGroup;

    /// <summary>The place of a key head; its value is <see cref="ValueSlot"/>.</summary>
    public int KeySlot(int kvHead) => Grouped ? kvHead * (Group + 2) + Group : Heads + kvHead;

    public int ValueSlot(int kvHead) => Grouped ? kvHead * (Group + 2) + Group + 1 : Heads + KeyValueHeads + kvHead;

    /// <summary>Queries of tokens [tokens, slots·headDim], as a view [tokens, kvHeads, group, headDim].</summary>
    public Tensor Queries(Tensor tokens) => Grouped
        ? tokens.view(tokens.shape[0], KeyValueHeads, Group + 2, HeadDim).narrow(2, 0, Group)
        : tokens.view(tokens.shape[0], -1, HeadDim).narrow(1, 0, Heads).view(tokens.shape[0], KeyValueHeads, Group, HeadDim);

    /// <summary>Keys of tokens, as a view [tokens, kvHeads, headDim].</summary>
    public Tensor Keys(Tensor tokens) => KeysOrValues(tokens, 0);

    /// <summary>Values of tokens, as a view [tokens, kvHeads, headDim].</summary>
    public Tensor Values(Tensor tokens) => KeysOrValues(tokens, 1);

    private Tensor KeysOrValues(Tensor tokens, int which) => Grouped
        ? tokens.view(tokens.shape[0], KeyValueHeads, Group + 2, HeadDim).select(2, Group + which)
        : tokens.view(tokens.shape[0], -1, HeadDim).narrow(1, Heads + which * KeyValueHeads, KeyValueHeads);

    /// <summary>Everything once: the parts of some problems, tile after tile, then those of the next.</summary>
    public IEnumerable<AttentionPart> Parts
    {
        get
        {
            int together = Math.Max(1, PartScores / (Group * Math.Min(Width, TileWidth) * Width));
            for (int first = 0; first < Problems; first += together)
            {
                foreach (QueryTile tile in Tiles) yield return new AttentionPart(first, Math.Min(together, Problems - first), tile);
            }
        }
    }

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

/// <summary>A tile of the problems [<paramref name="First"/>, +<paramref name="Count"/>): what one batched product takes.</summary>
internal readonly record struct AttentionPart(int First, int Count, QueryTile Tile)
{
    /// <summary>Which query each row of the part's scores [problems·group·tile, keys] is.</summary>
    public ScorePlaces Places(AttentionShape shape) => new(First, Tile.Group, shape.KeyValueHeads, Tile.Length, Tile.Start, shape.Width);

    /// <param name="queries">[problems, group·width, headDim].</param>
    public Tensor Queries(Tensor queries) => queries.narrow(0, First, Count).narrow(1, Tile.FirstRow, Tile.Rows);

    /// <param name="keys">[problems, width, headDim].</param>
    public Tensor Keys(Tensor keys) => keys.narrow(0, First, Count).narrow(1, 0, Tile.Keys);
}
