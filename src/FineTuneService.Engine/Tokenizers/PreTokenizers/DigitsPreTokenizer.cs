using System.Globalization;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Numbers are pieces: each digit, or each run of them. A digit is any character of category N.</summary>
internal sealed class DigitsPreTokenizer(bool individual)
    : SplittingPreTokenizer(individual ? SplitBehavior.Isolated : SplitBehavior.Contiguous)
{
    protected override void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches)
    {
        for (int i = 0, width; i < piece.Length; i += width)
        {
            var category = CharUnicodeInfo.GetUnicodeCategory(CodePoints.At(piece, i, out width));
            if (category is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber)
                matches.Add(new Piece(i, i + width));
        }
    }
}
