using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>
/// tokenizer.json's "UnicodeScripts", sentencepiece's rule: a word ends where another script begins. Japanese's scripts are one; blanks and characters
/// without a script belong to the word before them, and are dropped where there is none.
/// </summary>
internal sealed class ScriptPreTokenizer() : SplittingPreTokenizer(SplitBehavior.Removed, invert: true)
{
    private const int LongVowelMark = 0x30FC;

    private static readonly int s_han = UnicodeScript.Of('漢'), s_hiragana = UnicodeScript.Of('あ'), s_katakana = UnicodeScript.Of('ア');

    protected override void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches)
    {
        int start = -1, script = UnicodeScript.Unknown;
        for (int i = 0, width; i < piece.Length; i += width)
        {
            int own = Of(CodePoints.At(piece, i, out width));
            if (own == UnicodeScript.Unknown || own == script) continue;
            if (start >= 0) matches.Add(new Piece(start, i));
            (start, script) = (i, own);
        }
        if (start >= 0) matches.Add(new Piece(start, piece.Length));
    }

    private static int Of(int codePoint)
    {
        if (codePoint == ' ') return UnicodeScript.Unknown;
        if (codePoint == LongVowelMark) return s_han;
        int script = UnicodeScript.Of(codePoint);
        return script == s_hiragana || script == s_katakana ? s_han : script;
    }
}
