using System.Text;

namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>A character class of Oniguruma's syntax in .NET's. A class inside a class is a union there; .NET would read a bracket.</summary>
internal static class OnigurumaClass
{
    /// <param name="position">Behind the '['; moved behind the ']'.</param>
    public static string Read(string source, ref int position, bool ignoreCase)
    {
        var output = new StringBuilder("[");
        if (position < source.Length && source[position] == '^')
        {
            output.Append('^');
            position++;
        }

        Members(source, ref position, ignoreCase, output, level: 0);
        return output.Append(']').ToString();
    }

    private static void Members(string source, ref int position, bool ignoreCase, StringBuilder output, int level)
    {
        for (var start = position; ;)
        {
            if (position >= source.Length) throw OnigurumaTranslator.Refuse(source, "a class without ']'");
            var character = source[position++];
            if (character == ']' && position - 1 > start) return;
            if (character == '&' && position < source.Length && source[position] == '&') throw OnigurumaTranslator.Refuse(source, "&& in a class");
            if (character == '[') Nested(source, ref position, ignoreCase, output, level + 1);
            else if (character == '\\') output.Append(OnigurumaEscape.Read(source, ref position, inClass: true));
            else if (character == '-') output.Append(IsRange(source, position, start) ? "-" : "\\-");
            else output.Append(Member(source, position, character, ignoreCase));
        }
    }

    private static void Nested(string source, ref int position, bool ignoreCase, StringBuilder output, int level)
    {
        if (level > OnigurumaTranslator.MostLevels) throw OnigurumaTranslator.Refuse(source, $"more than {OnigurumaTranslator.MostLevels} classes inside each other");
        if (position < source.Length && source[position] is '^' or ':') throw OnigurumaTranslator.Refuse(source, $"[{source[position]} in a class");
        Members(source, ref position, ignoreCase, output, level);
    }

    // The '-' before position stands between two characters.
    private static bool IsRange(string source, int position, int classStart) =>
        position - 1 > classStart && position < source.Length && source[position] != ']' && source[position - 2] != '-';

    private static string Member(string source, int position, char character, bool ignoreCase)
    {
        if (!ignoreCase || !char.IsAsciiLetter(character)) return character is '[' or ']' or '^' ? $"\\{character}" : character.ToString();
        if (source[position] == '-' || source[position - 2] == '-') throw OnigurumaTranslator.Refuse(source, "a range of letters under (?i)");
        return OnigurumaTranslator.CasesOf(character);
    }
}
