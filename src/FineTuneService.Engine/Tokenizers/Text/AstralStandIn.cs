using System.Globalization;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>
/// A text with one UTF-16 unit a code point: a character outside the Basic Multilingual Plane is replaced by one inside that has
/// the same general category and is unlikely to be named in a pattern. A pattern over categories then matches the same code points.
/// </summary>
internal static class AstralStandIn
{
    /// <returns>The stand-in, and for each of its indices (its length included) the index in <paramref name="text"/>.</returns>
    public static (char[] Text, int[] Indices) Of(ReadOnlySpan<char> text)
    {
        var units = new char[text.Length];
        var indices = new int[text.Length + 1];
        var count = 0;
        for (int i = 0, width; i < text.Length; i += width)
        {
            var codePoint = CodePoints.At(text, i, out width);
            units[count] = width == 1 ? text[i] : OfCategory(CharUnicodeInfo.GetUnicodeCategory(codePoint));
            indices[count++] = i;
        }

        indices[count] = text.Length;
        return (units[..count], indices[..(count + 1)]);
    }

    private static char OfCategory(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u0531',
        UnicodeCategory.LowercaseLetter => '\u0561',
        UnicodeCategory.TitlecaseLetter => '\u01C5',
        UnicodeCategory.ModifierLetter => '\u0559',
        UnicodeCategory.OtherLetter => '\u05D0',
        UnicodeCategory.NonSpacingMark => '\u0591',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u0488',
        UnicodeCategory.DecimalDigitNumber => '\u0660',
        UnicodeCategory.LetterNumber => '\u16EE',
        UnicodeCategory.OtherNumber => '\u00BC',
        UnicodeCategory.ConnectorPunctuation => '\u203F',
        UnicodeCategory.DashPunctuation => '\u058A',
        UnicodeCategory.OtherPunctuation => '\u055A',
        UnicodeCategory.MathSymbol => '\u03F6',
        UnicodeCategory.CurrencySymbol => '\u058F',
        UnicodeCategory.ModifierSymbol => '\u02C2',
        UnicodeCategory.OtherSymbol => '\u0482',
        UnicodeCategory.Format => '\u0600',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\u0378', // not assigned; no other category has characters outside the plane
    };
}
