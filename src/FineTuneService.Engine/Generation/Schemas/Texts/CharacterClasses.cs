using System.Collections.Concurrent;
using System.Globalization;

namespace FineTuneService.Engine.Generation.Schemas.Texts;

/// <summary>The classes of ECMAScript's patterns, and Unicode's general categories by their long and short names.</summary>
internal static class CharacterClasses
{
    private static readonly ConcurrentDictionary<string, CodePointSet> Categories = new();

    private static readonly Dictionary<string, string> LongNames = new()
    {
        ["Letter"] = "L",
        ["Lowercase_Letter"] = "Ll",
        ["Uppercase_Letter"] = "Lu",
        ["Titlecase_Letter"] = "Lt",
        ["Modifier_Letter"] = "Lm",
        ["Other_Letter"] = "Lo",
        ["Mark"] = "M",
        ["Nonspacing_Mark"] = "Mn",
        ["Spacing_Mark"] = "Mc",
        ["Enclosing_Mark"] = "Me",
        ["Number"] = "N",
        ["Decimal_Number"] = "Nd",
        ["digit"] = "Nd",
        ["Letter_Number"] = "Nl",
        ["Other_Number"] = "No",
        ["Punctuation"] = "P",
        ["punct"] = "P",
        ["Symbol"] = "S",
        ["Separator"] = "Z",
        ["Space_Separator"] = "Zs",
        ["Other"] = "C",
        ["Control"] = "Cc",
        ["cntrl"] = "Cc",
        ["Connector_Punctuation"] = "Pc",
        ["Dash_Punctuation"] = "Pd",
        ["Open_Punctuation"] = "Ps",
        ["Close_Punctuation"] = "Pe",
        ["Initial_Punctuation"] = "Pi",
        ["Final_Punctuation"] = "Pf",
        ["Other_Punctuation"] = "Po",
        ["Math_Symbol"] = "Sm",
        ["Currency_Symbol"] = "Sc",
        ["Modifier_Symbol"] = "Sk",
        ["Other_Symbol"] = "So",
        ["Line_Separator"] = "Zl",
        ["Paragraph_Separator"] = "Zp",
        ["Format"] = "Cf",
        ["Private_Use"] = "Co",
        ["Unassigned"] = "Cn",
    };

    private static readonly string[] ShortNames =
        ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Cn"];

    public static CodePointSet Digit { get; } = CodePointSet.Of(('0', '9'));

    public static CodePointSet Word { get; } = CodePointSet.Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));

    public static CodePointSet Space { get; } = CodePointSet.OfCharacters("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff").Or(CodePointSet.Of((0x2000, 0x200a)));

    /// <summary>What a dot stands for: all but the ends of lines.</summary>
    public static CodePointSet Dot { get; } = CodePointSet.OfCharacters("\n\r\u2028\u2029").Not();

    /// <returns>Null where it is none of the general categories.</returns>
    public static CodePointSet? Category(string name)
    {
        if (name.IndexOf('=') is var equals and >= 0)
        {
            if (name[..equals] is not ("General_Category" or "gc")) return null;
            name = name[(equals + 1)..];
        }
        if (name == "Any") return CodePointSet.All;
        if (name == "ASCII") return CodePointSet.Of((0, 127));
        string letters = LongNames.GetValueOrDefault(name, name);
        return Array.Exists(ShortNames, known => known == letters || known[..1] == letters) ? Categories.GetOrAdd(letters, Find) : null;
    }

    private static CodePointSet Find(string letters)
    {
        var ranges = new List<(int, int)>();
        int first = -1;
        for (int codePoint = 0; codePoint <= CodePointSet.Last + 1; codePoint++)
        {
            bool has = codePoint <= CodePointSet.Last && ShortNames[(int)CharUnicodeInfo.GetUnicodeCategory(codePoint)].StartsWith(letters, StringComparison.Ordinal);
            if (has && first < 0) first = codePoint;
            if (has || first < 0) continue;
            ranges.Add((first, codePoint - 1));
            first = -1;
        }
        return CodePointSet.Of([.. ranges]);
    }
}
