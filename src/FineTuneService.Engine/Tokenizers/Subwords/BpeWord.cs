namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>
/// A word while byte-pair encoding joins its symbols: a linked list, and a heap of the joins that are possible, so that
/// a word of n symbols costs n log n. The lowest rank goes first, among equals the leftmost.
/// </summary>
internal sealed class BpeWord(int capacity)
{
    private readonly List<Symbol> _symbols = new(capacity);
    private readonly PriorityQueue<(int Position, int Rank), long> _joins = new();

    /// <summary>Appends a symbol that covers units [start, end) of the word.</summary>
    public void Add(int id, int start, int end)
    {
        var position = _symbols.Count;
        _symbols.Add(new Symbol(new WordToken(id, start, end), position - 1, position + 1, Alive: true));
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
            if (!merges.TryGet(left.Token.Id, right.Token.Id, out var rank, out var id) || rank != offeredRank) continue;

            _symbols[left.Next] = right with { Alive = false };
            _symbols[position] = left with { Token = new WordToken(id, left.Token.Start, right.Token.End), Next = right.Next };
            if (right.Next < _symbols.Count)
            {
                _symbols[right.Next] = _symbols[right.Next] with { Previous = position };
                Offer(position, merges);
            }

            if (left.Previous >= 0) Offer(left.Previous, merges);
        }
    }

    public void CopyTo(List<WordToken> tokens)
    {
        for (var position = 0; position < _symbols.Count; position = _symbols[position].Next) tokens.Add(_symbols[position].Token);
    }

    private void Offer(int position, MergeTable merges)
    {
        var left = _symbols[position];
        if (merges.TryGet(left.Token.Id, _symbols[left.Next].Token.Id, out var rank, out _))
            _joins.Enqueue((position, rank), ((long)rank << 32) | (uint)position);
    }

    private readonly record struct Symbol(WordToken Token, int Previous, int Next, bool Alive);
}
