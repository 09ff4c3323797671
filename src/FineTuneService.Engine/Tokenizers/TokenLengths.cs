using FineTuneService.Engine.Tokenizers.Added;

namespace FineTuneService.Engine.Tokenizers;

/// <summary>How much text one token of a tokenizer can stand for: what a text's length tells about its number of tokens.</summary>
/// <param name="most">UTF-16 units of the input that one token covers at most; infinite where there is no such number.</param>
/// <param name="blanksMayVanish">An added token takes any number of blanks beside it along, so blanks are not counted.</param>
internal sealed class TokenLengths(double most, bool blanksMayVanish)
{
    public static TokenLengths Of(TokenizerFile file, AddedVocabulary added)
    {
        var drops = file.PreTokenizer?.Drops ?? false;
        var known = file.Model.LongestKnown(spelledInBytes: (file.PreTokenizer?.SpellsBytes ?? false) || (file.Normalizer?.SpellsBytes ?? false));
        var longest = added.Tokens.Select(token => (double)token.Content.Length).Append(known).Max();
        return new TokenLengths(
            drops ? double.PositiveInfinity : longest * (file.Normalizer?.MostToOne ?? 1),
            added.Tokens.Any(token => token.StripLeft || token.StripRight));
    }

    public int Fewest(string text)
    {
        if (double.IsInfinity(most) || most <= 0) return 0;
        return (int)Math.Ceiling((blanksMayVanish ? CountInk(text) : text.Length) / most);
    }

    private static int CountInk(string text)
    {
        var count = 0;
        foreach (var unit in text)
            if (!char.IsWhiteSpace(unit)) count++;
        return count;
    }
}
