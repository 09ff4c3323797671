using FineTuneService.Engine.Tokenizers.Normalizers;
using FineTuneService.Engine.Tokenizers.Text;

namespace FineTuneService.Engine.Tokenizers.Added;

/// <summary>The added tokens of a tokenizer, and a text cut by them.</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<string, AddedToken> _byContent = new(StringComparer.Ordinal);
    private readonly Normalizer? _normalizer;
    private readonly AddedTokenMatcher _asWritten;
    private readonly AddedTokenMatcher _normalized;

    public AddedVocabulary(IReadOnlyList<AddedToken> tokens, Normalizer? normalizer)
    {
        foreach (var token in tokens)
        {
            _byId[token.Id] = token;
            _byContent[token.Content] = token;
        }

        _normalizer = normalizer;
        _asWritten = new AddedTokenMatcher(tokens.Where(token => !token.Normalized).Select(token => (token, token.Content)));
        _normalized = new AddedTokenMatcher(tokens.Where(token => token.Normalized)
            .Select(token => (token, normalizer is null ? token.Content : normalizer.Normalize(token.Content))));
    }

    public IEnumerable<AddedToken> Tokens => _byId.Values;

    public AddedToken? Find(int id) => _byId.GetValueOrDefault(id);

    public AddedToken? Find(string content) => _byContent.GetValueOrDefault(content);

    /// <summary>Cuts a text by the tokens that are looked for as written, normalizes the rest and cuts that by the normalized ones.</summary>
    /// <returns>Pieces in order, with the token that each is, or null.</returns>
    public IEnumerable<(AlignedText Text, AddedToken? Token)> Split(AlignedText text)
    {
        foreach (var part in _asWritten.Split(text.Text))
        {
            var slice = text.Slice(part.Piece.Start, part.Piece.End);
            if (part.Token is not null)
            {
                yield return (slice, part.Token);
                continue;
            }

            var normalized = _normalizer is null ? slice : _normalizer.Normalize(slice);
            foreach (var inner in _normalized.Split(normalized.Text))
                yield return (normalized.Slice(inner.Piece.Start, inner.Piece.End), inner.Token);
        }
    }
}
