using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Cuts pieces where something matches, and leaves the text as it is.</summary>
internal abstract class SplittingPreTokenizer(SplitBehavior behavior, bool invert = false) : PreTokenizer
{
    public sealed override bool Drops => behavior == SplitBehavior.Removed;

    public sealed override PreTokenizedText Apply(PreTokenizedText text)
    {
        var pieces = new List<Piece>(text.Pieces.Count);
        var matches = new List<Piece>();
        foreach (var piece in text.Pieces)
        {
            matches.Clear();
            FindMatches(text[piece], matches);
            behavior.Split(piece, matches, invert, pieces);
        }

        return text with { Pieces = pieces };
    }

    /// <summary>Appends matches in order, without overlap, as ranges of <paramref name="piece"/>.</summary>
    protected abstract void FindMatches(ReadOnlySpan<char> piece, List<Piece> matches);
}
