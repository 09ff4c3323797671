using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Cuts at characters of a class; each of them is a match of its own.</summary>
/// <param name="includes">Whether a code point belongs to the class.</param>
internal sealed class CharacterPreTokenizer(Func<int, bool> includes, SplitBehavior behavior) : SplittingPreTokenizer(behavior)
{
    protected override void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches)
    {
        for (int i = 0, width; i < piece.Length; i += width)
            if (includes(CodePoints.At(piece, i, out width))) matches.Add(new Piece(i, i + width));
    }

    /// <summary>Each digit, or each run of them; a digit is any character of category N.</summary>
    public static CharacterPreTokenizer Digits(bool individual) =>
        new(CharacterClass.IsNumber, individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous);

    public static CharacterPreTokenizer Punctuation(SplitBehavior behavior) => new(CharacterClass.IsPunctuation, behavior);

    public static CharacterPreTokenizer WhiteSpace() => new(CharacterClass.IsWhiteSpace, SplitBehavior.Removed);

    public static CharacterPreTokenizer Delimiter(char delimiter) => new(codePoint => codePoint == delimiter, SplitBehavior.Removed);

    /// <summary>BERT's: white space is dropped, each punctuation character is a word.</summary>
    public static PreTokenizer Bert() => new PreTokenizerSequence([WhiteSpace(), Punctuation(SplitBehavior.Isolated)]);
}
