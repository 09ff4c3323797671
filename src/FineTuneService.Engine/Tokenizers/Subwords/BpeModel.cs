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

    public override double LongestKnown(bool spelledInBytes)
    {
        var knowsAll = spelledInBytes && !ByteAlphabet.All.ToArray().Any(character => Vocabulary.IdOf([character]) < 0);
        var spellsOut = options.ByteFallback && !_byteIds.Contains(-1);
        var unknownByOne = options.UnknownToken is not null && !options.FuseUnknown;
        return knowsAll || spellsOut || unknownByOne ? Math.Max(2, Vocabulary.LongestToken) : double.PositiveInfinity;
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
        symbols.CopyTo(tokens, new ByteIndex(word));
    }

    /// <summary>
    /// One symbol a character; a character that is not in the vocabulary gives its bytes, the unknown token or nothing. As in Hugging
    /// Face's library, an unknown token waits for the next known character (bytes overtake it), and a character that gives nothing
    /// takes no place.
    /// </summary>
    private void AddSymbols(ReadOnlySpan<char> word, BpeWord symbols)
    {
        var unknownLength = 0;
        for (int i = 0, width; i < word.Length; i += width)
        {
            width = char.IsHighSurrogate(word[i]) && i + 1 < word.Length ? 2 : 1;
            var character = word.Slice(i, width);
            var length = System.Text.Encoding.UTF8.GetByteCount(character);
            var id = IdOf(character, first: i == 0, last: i + width == word.Length);
            if (id >= 0)
            {
                FlushUnknown();
                symbols.Add(id, length);
            }
            else if (!(options.ByteFallback && AddBytes(character, symbols)) && options.UnknownToken is not null)
            {
                if (!options.FuseUnknown) FlushUnknown();
                unknownLength += length;
            }
        }

        FlushUnknown();

        void FlushUnknown()
        {
            if (unknownLength == 0) return;
            if (_unknownId < 0) throw new TokenizerException($"The unknown token '{options.UnknownToken}' is not in the vocabulary.");
            symbols.Add(_unknownId, unknownLength);
            unknownLength = 0;
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

    private bool AddBytes(ReadOnlySpan<char> character, BpeWord symbols)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..System.Text.Encoding.UTF8.GetBytes(character, bytes)];
        foreach (var value in bytes)
            if (_byteIds[value] < 0) return false;
        foreach (var value in bytes) symbols.Add(_byteIds[value], length: 1);
        return true;
    }

    public static new BpeModel Read(JsonElement json)
    {
        var options = BpeOptions.Read(json);
        var vocabulary = Vocabulary.Read(json.GetProperty("vocab"));
        return new BpeModel(vocabulary, MergeTable.Read(json.GetProperty("merges"), vocabulary, options.ContinuingPrefix), options);
    }
}
