namespace FineTuneService.Engine.Tokenizers.Decoders;

/// <summary>Puts a space before each token that does not go on with a word.</summary>
/// <param name="prefix">Marks a token that goes on with a word.</param>
/// <param name="cleanup">Whether spaces before punctuation and inside contractions are taken out.</param>
internal sealed class WordPieceDecoder(string prefix, bool cleanup) : Decoder
{
    public override List<string> Decode(List<string> tokens) =>
        [.. tokens.Select((token, i) => Join(token, first: i == 0)).Select(token => cleanup ? Clean(token) : token)];

    private string Join(string token, bool first)
    {
        if (first) return token;
        return token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
    }

    /// <summary>English spacing.</summary>
    public static string Clean(string text)
    {
        foreach (var ending in new[] { ".", "?", "!", "," }) text = text.Replace(" " + ending, ending);
        text = text.Replace(" ' ", "'").Replace(" n't", "n't").Replace(" 'm", "'m").Replace(" do not", " don't");
        foreach (var ending in new[] { "'s", "'ve", "'re" }) text = text.Replace(" " + ending, ending);
        return text;
    }
}
