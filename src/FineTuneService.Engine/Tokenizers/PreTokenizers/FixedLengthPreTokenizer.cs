using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Pieces of <paramref name="length"/> characters; the last one may be shorter.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : SplittingPreTokenizer(SplitBehavior.Isolated)
{
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
