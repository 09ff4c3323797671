namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>What follows a backslash in Oniguruma's syntax, in .NET's.</summary>
internal static class OnigurumaEscape
{
    private static readonly HashSet<string> Categories =
    [
        "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Co", "Cn",
    ];

    // Unicode's Alphabetic, marks, decimal digits and connectors, and Latin-1's superscripts and fractions. .NET's \w is narrower.
    private const string Word = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u24B6-\u24E9\u00B2\u00B3\u00B9\u00BC-\u00BE";

    /// <param name="position">Behind the backslash; moved behind the escape.</param>
    public static string Read(string source, ref int position, bool inClass)
    {
        if (position >= source.Length) throw OnigurumaTranslator.Refuse(source, "a '\\' at the end");
        var character = source[position++];
        switch (character)
        {
            case 'p' or 'P':
                return Category(source, ref position, negated: character == 'P');
            case 'w':
                return inClass ? Word : $"[{Word}]";
            case 'W' when !inClass:
                return $"[^{Word}]";
            case 's' or 'S' or 'd' or 'D' or 'r' or 'n' or 't' or 'f' or 'v':
                return $"\\{character}";
            case 'b' or 'B' or 'A' or 'z' when !inClass:
                return $"\\{character}";
            case 'u' when position + 4 <= source.Length:
                position += 4;
                return source[(position - 6)..position];
            default:
                if (char.IsAsciiLetterOrDigit(character)) throw OnigurumaTranslator.Refuse(source, $"\\{character}");
                return $"\\{character}";
        }
    }

    private static string Category(string source, ref int position, bool negated)
    {
        var end = position < source.Length && source[position] == '{' ? source.IndexOf('}', position) : -1;
        if (end < 0) throw OnigurumaTranslator.Refuse(source, "\\p without a name");
        var name = source[(position + 1)..end];
        position = end + 1;
        if (name.StartsWith('^'))
        {
            negated = !negated;
            name = name[1..];
        }

        if (!Categories.Contains(name)) throw OnigurumaTranslator.Refuse(source, $"\\p{{{name}}}");
        return $"\\{(negated ? 'P' : 'p')}{{{name}}}";
    }
}
