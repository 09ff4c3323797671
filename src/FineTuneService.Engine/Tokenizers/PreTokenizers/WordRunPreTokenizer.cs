using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>tokenizer.json's "Whitespace": runs of word characters and runs of others; white space is dropped.</summary>
internal sealed class WordRunPreTokenizer() : SplittingPreTokenizer(SplitBehavior.Removed, invert: true)
{
    private enum Kind
    {
        WhiteSpace,
        Word,
        Other,
    }

    protected override void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches)
    {
        var start = 0;
        var run = Kind.WhiteSpace;
        for (int i = 0, width; i < piece.Length; i += width)
        {
            var kind = KindOf(CodePoints.At(piece, i, out width));
            if (kind == run) continue;
            if (run != Kind.WhiteSpace) matches.Add(new Piece(start, i));
            (start, run) = (i, kind);
        }

        if (run != Kind.WhiteSpace) matches.Add(new Piece(start, piece.Length));
    }

    private static Kind KindOf(int codePoint)
    {
        if (CharacterClass.IsWhiteSpace(codePoint)) return Kind.WhiteSpace;
        return CharacterClass.IsWord(codePoint) ? Kind.Word : Kind.Other;
    }
}
