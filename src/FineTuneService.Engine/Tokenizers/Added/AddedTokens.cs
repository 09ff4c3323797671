using FineTuneService.Engine.Tokenizers.Subwords;

namespace FineTuneService.Engine.Tokenizers.Added;

/// <summary>
/// The added tokens of tokenizer.json together with those that only the files beside it name. As in transformers, such a token has
/// the model's id where the vocabulary spells it, and otherwise the next free one.
/// </summary>
internal static class AddedTokens
{
    public static IReadOnlyList<AddedToken> Join(IReadOnlyList<AddedToken> own, IReadOnlyList<TokenEntry> entries, Vocabulary vocabulary)
    {
        var tokens = own.ToList();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < tokens.Count; i++) places[tokens[i].Content] = i;
        var next = Math.Max(vocabulary.Count, tokens.Select(token => token.Id + 1).DefaultIfEmpty(0).Max());
        foreach (var entry in entries)
        {
            if (entry.Content.Length == 0) continue;
            if (places.TryGetValue(entry.Content, out var place)) tokens[place] = entry.Over(tokens[place]);
            else
            {
                places[entry.Content] = tokens.Count;
                tokens.Add(entry.ToToken(vocabulary.IdOf(entry.Content) is >= 0 and var id ? id : next++));
            }
        }
        return tokens;
    }
}
