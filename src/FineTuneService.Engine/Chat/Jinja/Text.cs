using System.Text;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>Python's view of text: an index counts code points, and blanks and upper case are Unicode's full rules.</summary>
internal static class Text
{
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    public static bool IsBlank(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (!IsSpace(c)) return false;
        return true;
    }

    public static string TrimStart(string text)
    {
        var start = 0;
        while (start < text.Length && IsSpace(text[start])) start++;
        return text[start..];
    }

    public static string TrimEnd(string text)
    {
        var end = text.Length;
        while (end > 0 && IsSpace(text[end - 1])) end--;
        return text[..end];
    }

    /// <summary>Number of code points.</summary>
    public static int Length(string text)
    {
        var pairs = 0;
        for (var i = 1; i < text.Length; i++)
            if (char.IsSurrogatePair(text[i - 1], text[i])) pairs++;
        return text.Length - pairs;
    }

    /// <summary>The code points, each as a text of its own.</summary>
    public static List<object?> Characters(string text)
    {
        var characters = new List<object?>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var length = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
            characters.Add(text.Substring(i, length));
            i += length - 1;
        }
        return characters;
    }

    public static string Upper(string text)
    {
        if (text.AsSpan().IndexOfAny(ExpandingUpper) < 0) return text.ToUpperInvariant();
        var upper = new StringBuilder();
        foreach (var c in text)
        {
            var special = ExpandingUpper.IndexOf(c);
            upper.Append(special >= 0 ? ExpandedUpper[special] : char.ToUpperInvariant(c).ToString());
        }
        return upper.ToString();
    }

    /// <summary>The one letter that grows in lower case is the dotted capital I.</summary>
    public static string Lower(string text) => text.ToLowerInvariant().Replace("\u0130", "i\u0307");

    public static string Capitalize(string text) => text.Length == 0 ? text : Upper(text[..1]) + Lower(text[1..]);

    /// <summary>Every run of letters gets a capital, as Python's <c>str.title</c>.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var inWord = false;
        foreach (var c in text)
        {
            title.Append(inWord ? Lower(c.ToString()) : Upper(c.ToString()));
            inWord = char.IsLetter(c);
        }
        return title.ToString();
    }

    // Unicode's SpecialCasing: letters whose upper case is longer, as far as templates meet them.
    private const string ExpandingUpper = "ßŉǰﬀﬁﬂﬃﬄﬅﬆ";
    private static readonly string[] ExpandedUpper = ["SS", "ʼN", "J̌", "FF", "FI", "FL", "FFI", "FFL", "ST", "ST"];
}
