using System.Text.Json;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Subwords;

/// <summary>Byte-pair encoding: characters (or, as characters of <see cref="ByteAlphabet"/>, bytes) joined by learned merges.</summary>
internal sealed class BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options) : TokenModel(vocabulary)
{
    // Few longer words come twice.
    private const int LongestCachedWord = 64;

    private readonly WordCache _cache = new();
    private readonly int _unknownId = options.UnknownToken is null ? -1 : vocabulary.IdOf(options.UnknownToken);
    private readonly int[] _byteIds = [.. Enumerable.Range(0, 256).Select(value => vocabulary.IdOf($"<0x{value:X2}>"))];

    public override void Tokenize(ReadOnlySpan<char> word, List<WordToken> tokens)
    {
        if (word.Length > LongestCachedWord)
        {
            Join(word, tokens);
            return;
        }

        if (!_cache.TryGet(word, out var known))
        {
            var fresh = new List<WordToken>();
            Join(word, fresh);
            _cache.Add(word, known = [.. fresh]);
        }

        tokens.AddRange(known);
    }

    private void Join(ReadOnlySpan<char> word, List<WordToken> tokens)
    {
        if (options.IgnoreMerges && Vocabulary.IdOf(word) is >= 0 and var whole)
        {
            tokens.Add(new WordToken(whole, 0, word.Length));
            return;
        }

        var symbols = new BpeWord(word.Length);
        AddSymbols(word, symbols);
        if (!options.DropAllMerges) symbols.Join(merges);
        symbols.CopyTo(tokens);
    }

    /// <summary>One symbol a character; a character that is not in the vocabulary gives its bytes, the unknown token or nothing.</summary>
    private void AddSymbols(ReadOnlySpan<char> word, BpeWord symbols)
    {
        var unknown = new Piece(0, 0);
        // Offsets count what has become a symbol: a character that vanishes moves those after it, as in Hugging Face's library.
        var position = 0;
        for (int i = 0, width; i < word.Length; i += width)
        {
            width = char.IsHighSurrogate(word[i]) && i + 1 < word.Length ? 2 : 1;
            var character = word.Slice(i, width);
            var id = IdOf(character, first: i == 0, last: i + width == word.Length);
            if (id >= 0)
            {
                unknown = Flush(unknown);
                symbols.Add(id, position, position += width);
            }
            else if (options.ByteFallback && AddBytes(character, position, symbols))
            {
                position += width;
            }
            else if (options.UnknownToken is not null)
            {
                if (!options.FuseUnknown) unknown = Flush(unknown);
                unknown = new Piece(unknown.Length == 0 ? position : unknown.Start, position += width);
            }
        }

        Flush(unknown);

        Piece Flush(Piece pending)
        {
            if (pending.Length == 0) return pending;
            if (_unknownId < 0) throw new TokenizerException($"The unknown token '{options.UnknownToken}' is not in the vocabulary.");
            symbols.Add(_unknownId, pending.Start, pending.End);
            return default;
        }
    }

    private int IdOf(ReadOnlySpan<char> character, bool first, bool last)
    {
        var prefix = first ? "" : options.ContinuingPrefix;
        var suffix = last ? options.EndSuffix : "";
        return prefix.Length + suffix.Length == 0
            ? Vocabulary.IdOf(character)
            : Vocabulary.IdOf(string.Concat(prefix, character, suffix));
    }

    private bool AddBytes(ReadOnlySpan<char> character, int position, BpeWord symbols)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..System.Text.Encoding.UTF8.GetBytes(character, bytes)];
        foreach (var value in bytes)
            if (_byteIds[value] < 0) return false;
        // Each byte's token comes from the whole character.
        foreach (var value in bytes) symbols.Add(_byteIds[value], position, position + character.Length);
        return true;
    }

    public static new BpeModel Read(JsonElement json)
    {
        var options = BpeOptions.Read(json);
        var vocabulary = Vocabulary.Read(json.GetProperty("vocab"));
        return new BpeModel(vocabulary, MergeTable.Read(json.GetProperty("merges"), vocabulary, options.ContinuingPrefix), options);
    }
}
