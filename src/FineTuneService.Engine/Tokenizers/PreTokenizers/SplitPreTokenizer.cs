using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Cuts where a pattern matches.</summary>
internal sealed class SplitPreTokenizer(TextPattern pattern, SplitBehavior behavior, bool invert) : SplittingPreTokenizer(behavior, invert)
{
    protected override void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches) => pattern.FindMatches(piece, matches);
}
