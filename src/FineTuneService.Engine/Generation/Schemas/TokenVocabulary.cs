using System.Text;
using FineTuneService.Engine.Generation.Schemas.Frames;
using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Generation.Schemas;

/// <summary>
/// A tokenizer's vocabulary, ready to be walked with a grammar's states. Inside a string of which nothing is asked, what a token of plain
/// characters does is known beforehand: such tokens are kept as masks, by how many characters they have, and only the others are walked.
/// It is made once a tokenizer, and is for one thread at a time.
/// </summary>
public sealed class TokenVocabulary
{
    private const int MostCharacters = 32;

    private readonly TokenTrie _all, _special;
    private readonly ulong[][] _free;
    private readonly byte[]?[] _bytes;
    private readonly int _words;

    private TokenVocabulary(byte[]?[] bytes)
    {
        _bytes = bytes;
        _words = (bytes.Length + 63) / 64;
        (int Id, byte[] Bytes)[] tokens = [.. bytes.Select((token, id) => (id, token)).Where(token => token.token is { Length: > 0 }).Select(token => (token.id, token.token!))];
        _all = new TokenTrie(tokens);
        _free = [.. Enumerable.Range(0, MostCharacters + 1).Select(_ => new ulong[_words])];
        var special = new List<(int, byte[])>();
        foreach ((int id, byte[] token) in tokens)
        {
            int characters = Characters(token);
            if (characters is < 0 or > MostCharacters) special.Add((id, token));
            else if (characters > 0)
            {
                for (int most = characters; most <= MostCharacters; most++) _free[most][id >> 6] |= 1UL << (id & 63);
            }
        }
        _special = new TokenTrie(special);
    }

    /// <summary>Tokens that a text can be made of.</summary>
    public int Count => _bytes.Count(token => token is not null);

    /// <returns>Null where the tokenizer's decoder looks at more than one token at a time.</returns>
    public static TokenVocabulary? Of(Tokenizer tokenizer)
    {
        var bytes = new byte[]?[tokenizer.IdLimit];
        bool any = false;
        for (int id = 0; id < bytes.Length; id++)
        {
            if (tokenizer.IsAdded(id) || tokenizer.TokenOf(id) is null) continue;
            if ((bytes[id] = tokenizer.BytesOf(id)) is null) return null;
            any = true;
        }
        return any ? new TokenVocabulary(bytes) : null;
    }

    /// <summary>A token's bytes; none for a token that is no text.</summary>
    internal ReadOnlySpan<byte> Bytes(int id) => id >= 0 && id < _bytes.Length ? _bytes[id] : [];

    /// <summary>The tokens that a state can take, whole.</summary>
    internal TokenMask Mask(ParseState state)
    {
        if (state.Mask is { } known) return known;
        var allowed = new ulong[_words];
        if (Free(state) is > 0 and var free)
        {
            _free[Math.Min(free, MostCharacters)].CopyTo(allowed, 0);
            _special.Walk(state, allowed);
        }
        else _all.Walk(state, allowed);
        return state.Mask = new TokenMask(allowed);
    }

    /// <summary>The longest token that a text begins with, or -1, and its length.</summary>
    internal (int Id, int Length) Longest(ReadOnlySpan<byte> text) => _all.Longest(text);

    private static int Free(ParseState state)
    {
        int most = 0;
        foreach (Frame way in state.Ways)
        {
            if (way is not ITextFrame text) return 0;
            most = Math.Max(most, text.Free);
        }
        return most == int.MaxValue || state.Ways.Length == 1 ? most : 0;
    }

    /// <summary>Characters that a token begins inside a string; 0 where it cannot be there, -1 where that has to be looked at.</summary>
    private static int Characters(ReadOnlySpan<byte> token)
    {
        int count = 0;
        while (token.Length > 0)
        {
            count++;
            if (token[0] < 0x20) return 0;
            if (token[0] == '"') return -1;
            int length = 1;
            if (token[0] == '\\')
            {
                if (token.Length == 1) return count;
                if (token[1] is (byte)'u' or (byte)'/') return -1;
                if (!"\"\\bfnrt"u8.Contains(token[1])) return 0;
                length = 2;
            }
            else if (token[0] >= 0x80)
            {
                System.Buffers.OperationStatus status = Rune.DecodeFromUtf8(token, out _, out length);
                if (status == System.Buffers.OperationStatus.InvalidData) return 0;
                if (status == System.Buffers.OperationStatus.NeedMoreData) return count;
            }
            token = token[length..];
        }
        return count;
    }
}
