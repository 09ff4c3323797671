using System.Buffers;
using System.Text;

namespace FineTuneService.Engine.Chat;

/// <summary>A text with places such as <c>{question}</c>. Two braces stand for one; a brace that begins no place is a character like others.</summary>
internal static class TemplateText
{
    /// <summary>Characters of the longest name of a place.</summary>
    private const int LongestName = 64;

    private static readonly SearchValues<char> Name =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-. ");

    /// <summary>The names of the places, each once, in their order.</summary>
    public static IReadOnlyList<string> Places(string text)
    {
        var names = new List<string>();
        Fill(text, name =>
        {
            if (!names.Contains(name)) names.Add(name);
            return "";
        });
        return names;
    }

    /// <summary>Fills in one pass: a value that holds "{input}" stays as it is.</summary>
    /// <param name="value">What goes into the place of a name.</param>
    public static string Fill(string text, Func<string, string> value)
    {
        var filled = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is '{' or '}' && i + 1 < text.Length && text[i + 1] == text[i]) filled.Append(text[i++]);
            else if (text[i] == '{' && PlaceAt(text.AsSpan(i + 1)) is { } name)
            {
                filled.Append(value(name));
                i += name.Length + 1;
            }
            else filled.Append(text[i]);
        }
        return filled.ToString();
    }

    private static string? PlaceAt(ReadOnlySpan<char> behindBrace)
    {
        int end = behindBrace.IndexOfAnyExcept(Name);
        return end is > 0 and <= LongestName && behindBrace[end] == '}' && (char.IsAsciiLetter(behindBrace[0]) || behindBrace[0] == '_')
            ? behindBrace[..end].ToString() : null;
    }
}
