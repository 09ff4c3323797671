using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.PreTokenizers;

/// <summary>Sentencepiece's: spaces become a visible character, which begins each word.</summary>
internal sealed class MetaspacePreTokenizer(char replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    private readonly SplitPreTokenizer _words =
        new(TextPattern.OfLiteral(replacement.ToString()), SplitBehavior.MergedWithNext, invert: false);

    public override PreTokenizedText Apply(PreTokenizedText text)
    {
        var atStart = text.Aligned.AtStart;
        text = PieceRewriting.Rewrite(text, (piece, start, output) =>
        {
            if (Prepends(piece[0], first: atStart && start == 0)) output.Append(replacement, start);
            for (var i = 0; i < piece.Length; i++) output.Append(piece[i] == ' ' ? replacement : piece[i], start + i);
        });
        return split ? _words.Apply(text) : text;
    }

    private bool Prepends(char character, bool first) =>
        character != ' ' && character != replacement && (scheme == PrependScheme.Always || (scheme == PrependScheme.First && first));
}
