namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>
/// A word while byte-pair encoding joins its symbols: a linked list, and a heap of the joins that are possible, so that
/// a word of n symbols costs n log n. The lowest rank goes first, among equals the leftmost.
/// </summary>
internal sealed class BpeWord(int capacity)
{
    private readonly List<Symbol> _symbols = new(capacity);
    private int _length;
    private readonly PriorityQueue<(int Position, int Rank), long> _joins = new();

    /// <summary>Appends a symbol that covers the next bytes of the word.</summary>
    public void Add(int id, int length)
    {
        var position = _symbols.Count;
        _symbols.Add(new Symbol(id, _length, _length += length, position - 1, position + 1, Alive: true));
    }

    public void Join(MergeTable merges)
    {
        for (var position = 0; position + 1 < _symbols.Count; position++) Offer(position, merges);
        while (_joins.TryDequeue(out var join, out _))
        {
            var (position, offeredRank) = join;
            var left = _symbols[position];
            if (!left.Alive || left.Next >= _symbols.Count) continue;
            var right = _symbols[left.Next];
            // An older offer: one of the two has been joined to something else since.
            if (!merges.TryGet(left.Id, right.Id, out var rank, out var id) || rank != offeredRank) continue;

            _symbols[left.Next] = right with { Alive = false };
            _symbols[position] = left with { Id = id, End = right.End, Next = right.Next };
            if (right.Next < _symbols.Count)
            {
                _symbols[right.Next] = _symbols[right.Next] with { Previous = position };
                Offer(position, merges);
            }

            if (left.Previous >= 0) Offer(left.Previous, merges);
        }
    }

    public void CopyTo(List<WordToken> tokens, ByteIndex index)
    {
        for (var position = 0; position < _symbols.Count; position = _symbols[position].Next)
        {
            var symbol = _symbols[position];
            tokens.Add(new WordToken(symbol.Id, index.StartOf(symbol.Start), index.EndOf(symbol.End)));
        }
    }

    private void Offer(int position, MergeTable merges)
    {
        var left = _symbols[position];
        if (merges.TryGet(left.Id, _symbols[left.Next].Id, out var rank, out _))
            _joins.Enqueue((position, rank), ((long)rank << 32) | (uint)position);
    }

    /// <param name="Start">In bytes, as is <paramref name="End"/>: a symbol may be one byte of a character.</param>
    private readonly record struct Symbol(int Id, int Start, int End, int Previous, int Next, bool Alive);
}
