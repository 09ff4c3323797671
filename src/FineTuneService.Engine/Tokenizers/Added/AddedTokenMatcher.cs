using System.Buffers;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Added;

/// <summary>A range of a text; <paramref name="Token"/> is null for what lies between added tokens.</summary>
internal readonly record struct AddedMatch(AddedToken? Token, Piece Piece);

/// <summary>Finds added tokens in a text: from the left, at each place the longest.</summary>
internal sealed class AddedTokenMatcher
{
    /// <summary>At every place of a text as many characters may have to be looked at; those in the field have a few dozen.</summary>
    private const int LongestSpelling = 512;

    private readonly Node _root = new();
    private readonly SearchValues<char> _firstUnits;

    /// <param name="tokens">Tokens and how each is spelled in the text that is searched.</param>
    public AddedTokenMatcher(IEnumerable<(AddedToken Token, string Spelling)> tokens)
    {
        foreach (var (token, spelling) in tokens)
        {
            if (spelling.Length == 0) continue;
            if (spelling.Length > LongestSpelling)
                throw new TokenizerException($"tokenizer.json: the added token '{spelling[..32]}…' is longer than {LongestSpelling} characters.");
            var node = _root;
            foreach (var unit in spelling)
            {
                if (!node.Next.TryGetValue(unit, out var next)) node.Next.Add(unit, next = new Node());
                node = next;
            }

            node.Token = token;
        }

        _firstUnits = SearchValues.Create([.. _root.Next.Keys]);
    }

    /// <summary>Cuts the text into added tokens and what lies between them; no range is empty.</summary>
    public List<AddedMatch> Split(string text)
    {
        var output = new List<AddedMatch>();
        var done = 0;
        for (var from = 0; TryFind(text, from, out var token, out var match); from = match.End)
        {
            if (token.SingleWord && TouchesWord(text, match)) continue;
            var piece = Stripped(text, token, match, done);
            if (piece.Start > done) output.Add(new AddedMatch(null, new Piece(done, piece.Start)));
            output.Add(new AddedMatch(token, piece));
            done = piece.End;
        }

        if (done < text.Length) output.Add(new AddedMatch(null, new Piece(done, text.Length)));
        return output;
    }

    private bool TryFind(string text, int from, out AddedToken token, out Piece match)
    {
        while (from < text.Length)
        {
            var offset = text.AsSpan(from).IndexOfAny(_firstUnits);
            if (offset < 0) break;
            from += offset;
            var node = _root;
            AddedToken? longest = null;
            var end = from;
            for (var i = from; i < text.Length && node.Next.TryGetValue(text[i], out var next); i++)
            {
                node = next;
                if (node.Token is null) continue;
                longest = node.Token;
                end = i + 1;
            }

            if (longest is not null)
            {
                token = longest;
                match = new Piece(from, end);
                return true;
            }

            from++;
        }

        token = null!;
        match = default;
        return false;
    }

    /// <param name="done">White space before it belongs to an earlier token already.</param>
    private static Piece Stripped(string text, AddedToken token, Piece match, int done)
    {
        var (start, end) = (Math.Max(match.Start, done), match.End);
        if (token.StripLeft)
            while (start > done && char.IsWhiteSpace(text[start - 1])) start--;
        if (token.StripRight)
            while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
        return new Piece(start, Math.Max(start, end));
    }

    private static bool TouchesWord(string text, Piece match) =>
        (match.Start > 0 && CharacterClass.IsWord(CodePoints.Before(text, match.Start)))
        || (match.End < text.Length && CharacterClass.IsWord(CodePoints.At(text, match.End, out _)));

    private sealed class Node
    {
        public Dictionary<char, Node> Next { get; } = [];

        public AddedToken? Token { get; set; }
    }
}
