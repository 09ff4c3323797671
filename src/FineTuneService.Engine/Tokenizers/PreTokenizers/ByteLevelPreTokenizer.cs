using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>GPT-2's: cuts by its pattern (if asked), then spells each byte as a character of <see cref="ByteAlphabet"/>.</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : PreTokenizer
{
    private static readonly TextPattern Words =
        TextPattern.OfRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+");

    private static readonly SplitPreTokenizer WordSplit = new(Words, SplitBehavior.Isolated, invert: false);

    public override bool SpellsBytes => true;

    public override PreTokenizedText Apply(PreTokenizedText text)
    {
        if (addPrefixSpace) text = PieceRewriting.Rewrite(text, AddSpace);
        if (useRegex) text = WordSplit.Apply(text);
        return PieceRewriting.Rewrite(text, SpellBytes);
    }

    private static void AddSpace(ReadOnlySpan<char> piece, int start, AlignedTextBuilder output)
    {
        if (piece[0] != ' ') output.Append(' ', start);
        output.Copy(start, start + piece.Length);
    }

    private static void SpellBytes(ReadOnlySpan<char> piece, int start, AlignedTextBuilder output)
    {
        Span<byte> bytes = stackalloc byte[4];
        for (int i = 0, width; i < piece.Length; i += width)
        {
            if (char.IsAscii(piece[i]))
            {
                width = 1;
                output.Append(ByteAlphabet.Of((byte)piece[i]), start + i);
                continue;
            }

            width = char.IsHighSurrogate(piece[i]) && i + 1 < piece.Length ? 2 : 1;
            var count = System.Text.Encoding.UTF8.GetBytes(piece.Slice(i, width), bytes);
            foreach (var value in bytes[..count]) output.Append(ByteAlphabet.Of(value), start + i);
        }
    }
}
