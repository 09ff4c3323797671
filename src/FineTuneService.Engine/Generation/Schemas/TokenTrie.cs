namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>Tokens' bytes as a tree, laid out in the order of a walk: a node's subtree lies behind it.</summary>
internal sealed class TokenTrie
{
    private readonly byte[] _bytes;
    private readonly byte[] _depths;
    private readonly int[] _ends;
    private readonly int[] _tokens; // First of a node's tokens in _ids, or -1.
    private readonly int[] _ids;
    private readonly int _deepest;

    /// <param name="tokens">Each of up to 255 bytes, none empty.</param>
    public TokenTrie(IReadOnlyCollection<(int Id, byte[] Bytes)> tokens)
    {
        (int Id, byte[] Bytes)[] sorted = [.. tokens.Where(token => token.Bytes.Length is > 0 and < 256)];
        Array.Sort(sorted, (a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes) is var order && order != 0 ? order : a.Id.CompareTo(b.Id));
        var (bytes, depths, first, path) = (new List<byte>(), new List<byte>(), new List<int>(), new List<int>());
        _ids = [.. sorted.Select(token => token.Id)];
        var ends = new List<int>();
        byte[] before = [];
        for (int i = 0; i < sorted.Length; i++)
        {
            byte[] token = sorted[i].Bytes;
            int shared = token.AsSpan().CommonPrefixLength(before);
            if (shared == token.Length) continue; // The same bytes again: the node's tokens lie side by side.
            for (int depth = path.Count; depth > shared; depth--) Close(depth);
            for (int depth = shared; depth < token.Length; depth++)
            {
                path.Add(bytes.Count);
                bytes.Add(token[depth]);
                depths.Add((byte)(depth + 1));
                ends.Add(0);
                first.Add(depth + 1 == token.Length ? i : -1);
            }
            before = token;
        }
        for (int depth = path.Count; depth > 0; depth--) Close(depth);
        (_bytes, _depths, _ends, _tokens) = ([.. bytes], [.. depths], [.. ends], [.. first]);
        _deepest = depths.Count == 0 ? 0 : depths.Max();
        Same = new int[_ids.Length];
        for (int i = 0; i < sorted.Length; i++) Same[i] = i + 1 < sorted.Length && sorted[i].Bytes.AsSpan().SequenceEqual(sorted[i + 1].Bytes) ? 1 : 0;

        void Close(int depth)
        {
            ends[path[^1]] = bytes.Count;
            path.RemoveAt(depth - 1);
        }
    }

    /// <summary>1 where the next token has the same bytes.</summary>
    private int[] Same { get; }

    public int Nodes => _bytes.Length;

    /// <summary>Adds the tokens that a state can take, whole.</summary>
    public void Walk(ParseState from, ulong[] allowed)
    {
        if (_bytes.Length == 0) return;
        var states = new ParseState[_deepest + 1];
        states[0] = from;
        for (int node = 0; node < _bytes.Length;)
        {
            int depth = _depths[node];
            ParseState state = states[depth - 1].Next(_bytes[node]);
            if (state.IsDead)
            {
                node = _ends[node];
                continue;
            }
            states[depth] = state;
            for (int token = _tokens[node]; token >= 0; token = Same[token] == 1 ? token + 1 : -1) allowed[_ids[token] >> 6] |= 1UL << (_ids[token] & 63);
            node++;
        }
    }

    /// <summary>The longest token that a text begins with, or -1, and its length.</summary>
    public (int Id, int Length) Longest(ReadOnlySpan<byte> text)
    {
        (int Id, int Length) found = (-1, 0);
        for (int node = 0, end = _bytes.Length; node < end && _depths[node] <= text.Length;)
        {
            if (_bytes[node] != text[_depths[node] - 1])
            {
                node = _ends[node];
                continue;
            }
            if (_tokens[node] >= 0) found = (_ids[_tokens[node]], _depths[node]);
            end = _ends[node];
            node++;
        }
        return found;
    }
}
