using System.Globalization;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Pieces of <paramref name="length"/> characters; the last one may be shorter.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : SplittingPreTokenizer(SplitBehavior.Isolated)
{
    /// <exception cref="TokenizerException">No piece could be that short.</exception>
    public static FixedLengthPreTokenizer Of(int length) =>
        length > 0 ? new(length) : throw TokenizerException.Unsupported("length of pieces", length.ToString(CultureInfo.InvariantCulture));

    protected override void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches)
    {
        int start = 0, end = 0;
        for (var count = 1; end < piece.Length; count++)
        {
            CodePoints.At(piece, end, out var width);
            end += width;
            if (count % length != 0) continue;
            matches.Add(new Piece(start, end));
            start = end;
        }
    }
}
