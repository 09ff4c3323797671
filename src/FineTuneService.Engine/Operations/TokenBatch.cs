using FineTuneService.Engine.Compute;

namespace FineTuneService.Engine.Operations;

/// <summary>Sequences of token ids, padded on the right to one width.</summary>
internal sealed class TokenBatch
{
    /// <param name="rows">The sequences' ids; none may be empty.</param>
    /// <param name="sequences">In serving, what the cache holds of each: its tokens go on from there.</param>
    public TokenBatch(IReadOnlyList<int[]> rows, CachedSequence[]? sequences = null)
    {
        Sequences = sequences ?? [];
        Lengths = [.. rows.Select(r => r.Length)];
        Width = Lengths.Max();
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

    /// <summary>Empty in training.</summary>
    public CachedSequence[] Sequences { get; }

    /// <summary>Of packed rows: the place in its row where each token's own sequence begins, [rows·width]; null where a row is one sequence.</summary>
    public int[]? SequenceStarts { get; init; }

    public bool IsPadded => Array.Exists(Lengths, length => length < Width);

    /// <summary>Position of every token in its sequence, [rows·width].</summary>
    public long[] Positions()
    {
        var positions = new long[Ids.Length];
        for (int i = 0; i < positions.Length; i++)
        {
            int row = i / Width;
            positions[i] = i % Width - (SequenceStarts?[i] ?? 0) + (Sequences.Length > 0 ? Sequences[row].Length : 0);
        }
        return positions;
    }

    /// <summary>Of cached sequences: tokens that a row has or is known to come to, this batch's included.</summary>
    public int LengthOf(int row) => Math.Max(Sequences[row].Expected, Sequences[row].Length + Lengths[row]);

    /// <summary>Index of a row's last token among the rows·width.</summary>
    public long LastToken(int row) => (long)row * Width + Lengths[row] - 1;

    /// <summary>Makes the cache ready for the batch's tokens.</summary>
    public void Grow()
    {
        for (int row = 0; row < Sequences.Length; row++) Sequences[row].Grow(Lengths[row]);
    }

    /// <summary>The sequences hold the batch's tokens from now on. Until then a forward that failed may be done again.</summary>
    public void Advance()
    {
        for (int row = 0; row < Sequences.Length; row++) Sequences[row].Advance(Lengths[row]);
    }
}
