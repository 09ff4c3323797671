using System.Globalization;
using System.Text;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>Unicode's word characters: letters, marks, decimal digits, letter numbers, connectors, the joiners and circled letters.</summary>
internal static class WordCharacters
{
    /// <summary>Whether the first (or last) character of a text that is not empty is one.</summary>
    public static bool Includes(ReadOnlySpan<char> text, bool last)
    {
        Rune rune;
        if (last) Rune.DecodeLastFromUtf16(text, out rune, out _);
        else Rune.DecodeFromUtf16(text, out rune, out _);
        return Includes(rune.Value);
    }

    public static bool Includes(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        <= UnicodeCategory.LetterNumber => true, // letters, marks, decimal digits and letter numbers
        UnicodeCategory.ConnectorPunctuation => true,
        _ => codePoint is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9),
    };
}
