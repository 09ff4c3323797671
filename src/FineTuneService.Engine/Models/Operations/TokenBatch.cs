namespace FineTuneService.Engine.Models.Operations;

/// <summary>Sequences of token ids, padded on the right to one width.</summary>
internal sealed class TokenBatch
{
    /// <param name="rows">The sequences' ids; none may be empty.</param>
    /// <param name="slots">In serving, the cache slot of each sequence: its tokens go on from what the slot holds.</param>
    public TokenBatch(IReadOnlyList<int[]> rows, int[]? slots = null)
    {
        Lengths = [.. rows.Select(r => r.Length)];
        Width = Lengths.Max();
        Slots = slots ?? [];
        Ids = new long[rows.Count * Width];
        for (int row = 0; row < rows.Count; row++)
        {
            for (int i = 0; i < rows[row].Length; i++) Ids[row * Width + i] = rows[row][i];
        }
    }

    public int Rows => Lengths.Length;

    public int Width { get; }

    /// <summary>[rows·width], 0 at padding.</summary>
    public long[] Ids { get; }

    /// <summary>Tokens of each row that are not padding.</summary>
    public int[] Lengths { get; }

    public int[] Slots { get; }

    public bool IsPadded => Array.Exists(Lengths, length => length < Width);

    /// <summary>Position of every token in its sequence, [rows·width].</summary>
    public long[] Positions(KvCache? cache)
    {
        var positions = new long[Ids.Length];
        for (int i = 0; i < positions.Length; i++)
        {
            int row = i / Width;
            positions[i] = i % Width + (cache?.Length(Slots[row]) ?? 0);
        }
        return positions;
    }
}
