using FineTuneService.Engine.Tokenizers.Added;
using FineTuneService.Engine.Tokenizers.Subwords;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>Collects the tokens of one text.</summary>
internal sealed class EncodingRun(TokenModel model, string input, bool detailed)
{
    private readonly List<WordToken> _word = [];
    private readonly int[]? _codePoints = detailed ? CodePoints.Indices(input) : null;

    public TokenSequence Tokens { get; } = new(detailed);

    /// <summary>Adds an added token that was found in the text.</summary>
    public void Add(AddedToken token, AlignedText text) =>
        Tokens.Add(token.Id, text.Text, Offsets(text, 0, text.Text.Length), special: false);

    /// <summary>Adds the tokens of each word.</summary>
    public void Add(PreTokenizedText words)
    {
        foreach (var piece in words.Pieces)
        {
            _word.Clear();
            model.Tokenize(words[piece], _word);
            foreach (var token in _word)
            {
                if (!detailed) Tokens.Ids.Add(token.Id);
                else Tokens.Add(
                    token.Id, model.TextOf(token, words[piece]),
                    Offsets(words.Aligned, piece.Start + token.Start, piece.Start + token.End), special: false);
            }
        }
    }

    private (int Start, int End) Offsets(AlignedText text, int start, int end)
    {
        var origin = text.OriginOf(start, end);
        return _codePoints is null ? (origin.Start, origin.End) : (_codePoints[origin.Start], _codePoints[origin.End]);
    }
}
