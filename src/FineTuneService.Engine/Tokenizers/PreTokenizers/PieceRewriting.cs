using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Rewrites the text piece by piece and keeps the cuts between them.</summary>
internal static class PieceRewriting
{
    /// <param name="piece">A piece that is not empty.</param>
    /// <param name="start">Where it starts in the builder's source.</param>
    public delegate void Rewriter(ReadOnlySpan<char> piece, int start, AlignedTextBuilder output);

    public static PreTokenizedText Rewrite(PreTokenizedText text, Rewriter rewrite)
    {
        var output = new AlignedTextBuilder(text.Aligned);
        var pieces = new List<Piece>(text.Pieces.Count);
        foreach (var piece in text.Pieces)
        {
            if (piece.Length == 0) continue;
            var start = output.Length;
            rewrite(text[piece], piece.Start, output);
            pieces.Add(new Piece(start, output.Length));
        }

        return new PreTokenizedText(output.Build(), pieces);
    }
}
