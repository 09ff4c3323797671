using System.Globalization;
using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The escapes of Python's string literals.</summary>
internal static class StringLiteral
{
    public static string Unescape(ReadOnlySpan<char> literal)
    {
        var text = new StringBuilder(literal.Length);
        for (var i = 0; i < literal.Length; i++)
        {
            if (literal[i] != '\\' || i + 1 == literal.Length)
            {
                text.Append(literal[i]);
                continue;
            }
            var escape = literal[++i];
            switch (escape)
            {
                case '\n': break;
                case 'n': text.Append('\n'); break;
                case 't': text.Append('\t'); break;
                case 'r': text.Append('\r'); break;
                case 'a': text.Append('\a'); break;
                case 'b': text.Append('\b'); break;
                case 'f': text.Append('\f'); break;
                case 'v': text.Append('\v'); break;
                case '\\' or '\'' or '"': text.Append(escape); break;
                case 'x': i += Hexadecimal(literal[(i + 1)..], 2, 'x', text); break;
                case 'u': i += Hexadecimal(literal[(i + 1)..], 4, 'u', text); break;
                case 'U': i += Hexadecimal(literal[(i + 1)..], 8, 'U', text); break;
                case >= '0' and <= '7': i += Octal(literal[i..], text) - 1; break;
                default: text.Append('\\').Append(escape); break;
            }
        }
        return text.ToString();
    }

    private static int Hexadecimal(ReadOnlySpan<char> digits, int length, char escape, StringBuilder text)
    {
        if (digits.Length < length || !int.TryParse(digits[..length], NumberStyles.AllowHexSpecifier, null, out var code)
            || code is < 0 or > 0x10FFFF)
            throw new JinjaError($"truncated \\{escape}{new string('X', length)} escape");
        Append(code, text);
        return length;
    }

    private static int Octal(ReadOnlySpan<char> digits, StringBuilder text)
    {
        var (code, length) = (0, 0);
        while (length < 3 && length < digits.Length && digits[length] is >= '0' and <= '7')
            code = code * 8 + (digits[length++] - '0');
        Append(code, text);
        return length;
    }

    private static void Append(int code, StringBuilder text)
    {
        if (code > 0xFFFF) text.Append(char.ConvertFromUtf32(code));
        else text.Append((char)code);
    }
}
