using System.Globalization;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>Classes of code points that tokenizers name.</summary>
internal static class CharacterClass
{
    /// <summary>Unicode's White_Space property.</summary>
    public static bool IsWhiteSpace(int codePoint) => codePoint < 0x10000 && char.IsWhiteSpace((char)codePoint);

    /// <summary>Category N.</summary>
    public static bool IsNumber(int codePoint) => Category(codePoint)
        is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>Category P, and ASCII's signs that Unicode calls symbols ($ + &lt; = &gt; ^ ` | ~).</summary>
    public static bool IsPunctuation(int codePoint) =>
        (codePoint < 128 && (char.IsSymbol((char)codePoint) || char.IsPunctuation((char)codePoint)))
        || Category(codePoint) is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>Category M.</summary>
    public static bool IsMark(int codePoint) => Category(codePoint)
        is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;

    /// <summary>Letters, marks, decimal digits, letter numbers, connectors, joiners and circled letters.</summary>
    public static bool IsWord(int codePoint) => Category(codePoint) switch
    {
        <= UnicodeCategory.LetterNumber => true, // the enumeration begins with letters, marks, digits and letter numbers
        UnicodeCategory.ConnectorPunctuation => true,
        _ => codePoint is 0x200C or 0x200D or (>= 0x24B6 and <= 0x24E9),
    };

    public static UnicodeCategory Category(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint);
}
