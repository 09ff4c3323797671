using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Tokens of a text of which only so many are kept: of a long text only its beginning, or its end, is encoded, so a row of megabytes costs what is
/// kept of it. Words that lie whole on the kept side have the tokens that they have in the whole text.
/// </summary>
/// <param name="wanted">Tokens that are kept.</param>
/// <param name="end">Which end is kept.</param>
internal sealed class KeptTokens(Tokenizer tokenizer, int wanted, Truncation end)
{
    /// <summary>Characters that are looked at first for each token; English has some four.</summary>
    private const int CharactersOfAToken = 8;

    /// <summary>Tokens more than wanted, since the word at the cut is not whole.</summary>
    private const int Margin = 64;

    /// <summary>Characters before the cut among which the end of a word is looked for.</summary>
    private const int LongestWord = 1024;

    /// <summary>All of the text's tokens, or more than are wanted.</summary>
    /// <param name="skipped">Characters before those that were encoded.</param>
    public int[] Encode(string text, bool addSpecialTokens, out int skipped) => Some(text, part => tokenizer.Encode(part, addSpecialTokens), ids => ids.Length, out skipped);

    /// <inheritdoc cref="Encode"/>
    /// <returns>Offsets count from the first character that was encoded.</returns>
    public Encoding EncodeWithOffsets(string text, out int skipped) => Some(text, part => tokenizer.EncodeWithOffsets(part), encoding => encoding.Ids.Count, out skipped);

    private T Some<T>(string text, Func<string, T> encode, Func<T, int> count, out int skipped)
    {
        for (long characters = CharactersOfAToken * ((long)wanted + Margin); characters < text.Length; characters *= 2)
        {
            int cut = WordEnd(text, end == Truncation.KeepStart ? (int)characters : text.Length - (int)characters);
            skipped = end == Truncation.KeepStart ? 0 : cut;
            T encoded = encode(end == Truncation.KeepStart ? text[..cut] : text[cut..]);
            if (count(encoded) > (long)wanted + Margin) return encoded;
        }
        skipped = 0;
        return encode(text);
    }

    /// <summary>Where a word ends, at a place of the text or some characters before it.</summary>
    private static int WordEnd(string text, int at)
    {
        for (int end = at; end > 0 && end > at - LongestWord; end--)
            if (char.IsWhiteSpace(text[end]) && !char.IsWhiteSpace(text[end - 1])) return end;
        return char.IsLowSurrogate(text[at]) ? at - 1 : at;
    }
}
