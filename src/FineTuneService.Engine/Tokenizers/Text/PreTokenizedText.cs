namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>[Start, End) in UTF-16 units of the text that is cut into pieces.</summary>
internal readonly record struct Piece(int Start, int End)
{
    public int Length => End - Start;
}

/// <summary>A text and the pieces ("words") that the model takes one by one, in order and without overlap.</summary>
internal sealed record PreTokenizedText(AlignedText Aligned, List<Piece> Pieces)
{
    public static PreTokenizedText Whole(AlignedText text) => new(text, [new Piece(0, text.Text.Length)]);

    public ReadOnlySpan<char> this[Piece piece] => Aligned.Text.AsSpan(piece.Start, piece.Length);
}
