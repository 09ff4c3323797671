using System.Globalization;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's questions about all characters of a text: isalpha, isdigit and the like.</summary>
internal static class CharacterKinds
{
    public static bool IsAlphabetic(string text) => All(text, Rune.IsLetter);

    public static bool IsDecimal(string text) => All(text, IsDecimal);

    public static bool IsDigit(string text) => All(text, IsDigit);

    public static bool IsNumeric(string text) => All(text, IsNumeric);

    public static bool IsAlphanumeric(string text) => All(text, rune => Rune.IsLetter(rune) || IsNumeric(rune));

    public static bool IsPrintable(string text) => text.Length == 0 || All(text, Repr.IsPrintable);

    /// <summary>Has letters with case, and all of them are small ones.</summary>
    public static bool IsLower(string text) => text.EnumerateRunes().Any(IsSmall) && !text.EnumerateRunes().Any(IsCapital);

    public static bool IsUpper(string text) =>
        text.EnumerateRunes().Any(IsLarge) && !text.EnumerateRunes().Any(rune => IsSmall(rune) || IsTitle(rune));

    /// <summary>A capital begins every run of letters with case, and only small ones follow.</summary>
    public static bool IsTitle(string text)
    {
        var (inWord, any) = (false, false);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsCapital(rune))
            {
                if (inWord) return false;
                (inWord, any) = (true, true);
            }
            else if (IsSmall(rune))
            {
                if (!inWord) return false;
            }
            else inWord = false;
        }
        return any;
    }

    public static bool IsIdentifier(string text) => text.Length > 0 && (text[0] == '_' || Rune.IsLetter(text.EnumerateRunes().First()))
        && All(text, rune => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.ConnectorPunctuation or UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.LetterNumber);

    private static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    private static bool IsDigit(Rune rune) => IsDecimal(rune) || CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0;

    private static bool IsNumeric(Rune rune) => IsDecimal(rune) || Rune.GetNumericValue(rune) >= 0 || NumeralIdeographs.Contains(rune.ToString());

    // Chinese characters are letters by category; these have a numeric value too, which .NET does not know.
    private const string NumeralIdeographs =
        "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸零";

    /// <summary>Unicode's Lowercase: small letters and others that look like them.</summary>
    private static bool IsSmall(Rune rune) => Rune.IsLower(rune) || rune.Value
        is 0xAA or 0xBA or (>= 0x2B0 and <= 0x2B8) or 0x2C0 or 0x2C1 or (>= 0x2E0 and <= 0x2E4) or 0x345 or 0x37A or (>= 0x1D2C and <= 0x1D6A)
        or 0x1D78 or (>= 0x1D9B and <= 0x1DBF) or 0x2071 or 0x207F or (>= 0x2090 and <= 0x209C) or (>= 0x2170 and <= 0x217F)
        or (>= 0x24D0 and <= 0x24E9) or 0x2C7C or 0x2C7D;

    /// <summary>Unicode's Uppercase, likewise.</summary>
    private static bool IsLarge(Rune rune) => Rune.IsUpper(rune) || rune.Value is (>= 0x2160 and <= 0x216F) or (>= 0x24B6 and <= 0x24CF);

    private static bool IsCapital(Rune rune) => IsLarge(rune) || IsTitle(rune);

    private static bool IsTitle(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.TitlecaseLetter;

    private static bool All(string text, Func<Rune, bool> has) => text.Length > 0 && text.EnumerateRunes().All(has);
}
