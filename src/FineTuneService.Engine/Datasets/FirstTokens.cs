using FineTuneService.Engine.Tokenizers;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Tokens of a text that is cut after so many: of a long text only the beginning is encoded, so a row of megabytes costs what is kept of it.
/// Words that end before the place of the cut have the tokens that they have in the whole text.
/// </summary>
/// <param name="wanted">Tokens that are kept.</param>
internal sealed class FirstTokens(Tokenizer tokenizer, int wanted)
{
    /// <summary>Characters that are looked at first for each token; English has some four.</summary>
    private const int CharactersOfAToken = 8;

    /// <summary>Tokens more than wanted, since the word at the cut is not whole.</summary>
    private const int Margin = 64;

    /// <summary>Characters before the cut among which the end of a word is looked for.</summary>
    private const int LongestWord = 1024;

    /// <returns>All of the text's tokens, or more than are wanted.</returns>
    public int[] Encode(string text, bool addSpecialTokens) => First(text, part => tokenizer.Encode(part, addSpecialTokens), ids => ids.Length);

    /// <inheritdoc cref="Encode"/>
    public Encoding EncodeWithOffsets(string text) => First(text, part => tokenizer.EncodeWithOffsets(part), encoding => encoding.Ids.Count);

    private T First<T>(string text, Func<string, T> encode, Func<T, int> count)
    {
        for (long characters = CharactersOfAToken * ((long)wanted + Margin); characters < text.Length; characters *= 2)
        {
            T encoded = encode(text[..End(text, (int)characters)]);
            if (count(encoded) > (long)wanted + Margin) return encoded;
        }
        return encode(text);
    }

    private static int End(string text, int at)
    {
        for (int end = at; end > 0 && end > at - LongestWord; end--)
            if (char.IsWhiteSpace(text[end]) && !char.IsWhiteSpace(text[end - 1])) return end;
        return char.IsLowSurrogate(text[at]) ? at - 1 : at;
    }
}
