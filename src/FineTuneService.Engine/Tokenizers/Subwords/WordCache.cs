using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>Tokens of words seen before, for several threads at once. When it is full, later words are not kept: the frequent ones came early.</summary>
internal sealed class WordCache
{
    private const int Capacity = 65_536;

    private readonly ConcurrentDictionary<string, WordToken[]> _words;
    private readonly ConcurrentDictionary<string, WordToken[]>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private int _count;

    public WordCache()
    {
        _words = new ConcurrentDictionary<string, WordToken[]>(StringComparer.Ordinal);
        _bySpan = _words.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public bool TryGet(ReadOnlySpan<char> word, [MaybeNullWhen(false)] out WordToken[] tokens) => _bySpan.TryGetValue(word, out tokens);

    public void Add(ReadOnlySpan<char> word, WordToken[] tokens)
    {
        if (_count < Capacity && _bySpan.TryAdd(word, tokens)) Interlocked.Increment(ref _count);
    }
}
