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
    public static List<object?> Characters(string text, Budget budget)
    {
        budget.AllocateItems(text.Length);
        var characters = new List<object?>(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var length = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
            if (char.IsAscii(text[i])) characters.Add(Ascii[text[i]]);
            else
            {
                // Each is an object of its own.
                budget.AllocateItems(2);
                characters.Add(text.Substring(i, length));
            }
            i += length - 1;
        }
        return characters;
    }

    private static readonly string[] Ascii = [.. Enumerable.Range(0, 128).Select(code => ((char)code).ToString())];

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

    /// <summary>The one letter that grows in lower case is the dotted capital I; a sigma at a word's end has a form of its own.</summary>
    public static string Lower(string text)
    {
        var lower = text.ToLowerInvariant().Replace("\u0130", "i\u0307");
        if (!text.Contains('Σ') || lower.Length != text.Length) return lower;
        var units = lower.ToCharArray();
        for (var i = 1; i < text.Length; i++)
            if (text[i] == 'Σ' && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1]))) units[i] = 'ς';
        return new string(units);
    }

    /// <summary>The form of a letter that begins a word; Ǆ and its like have one between the capital and the small.</summary>
    private static string TitleCase(char c) => c switch
    {
        >= 'Ǆ' and <= 'ǆ' => "ǅ",
        >= 'Ǉ' and <= 'ǉ' => "ǈ",
        >= 'Ǌ' and <= 'ǌ' => "ǋ",
        >= 'Ǳ' and <= 'ǳ' => "ǲ",
        'ß' => "Ss",
        _ => Upper(c.ToString()),
    };

    public static string Capitalize(string text) => text.Length == 0 ? text : TitleCase(text[0]) + Lower(text[1..]);

    /// <summary>Every run of letters gets a capital, as Python's <c>str.title</c>.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var inWord = false;
        foreach (var c in text)
        {
            title.Append(inWord ? Lower(c.ToString()) : TitleCase(c));
            inWord = char.IsLetter(c);
        }
        return title.ToString();
    }

    // Unicode's SpecialCasing: letters whose upper case is longer, as far as templates meet them.
    private const string ExpandingUpper = "ßŉǰﬀﬁﬂﬃﬄﬅﬆ";
    private static readonly string[] ExpandedUpper = ["SS", "ʼN", "J̌", "FF", "FI", "FL", "FFI", "FFL", "ST", "ST"];
}
