namespace FineTuneService.Engine.Tokenizers.Text;

/// <summary>Between UTF-16, which .NET counts, and code points, which tokenizers count.</summary>
internal static class CodePoints
{
    /// <summary>The text with each unpaired surrogate replaced by U+FFFD, as an encoder to UTF-8 would do.</summary>
    public static string WellFormed(string text)
    {
        var first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (first < 0) return text;
        var units = text.ToCharArray();
        for (var i = first; i < units.Length; i++)
        {
            if (!char.IsSurrogate(units[i])) continue;
            if (char.IsHighSurrogate(units[i]) && i + 1 < units.Length && char.IsLowSurrogate(units[i + 1])) i++;
            else units[i] = '\uFFFD';
        }

        return new string(units);
    }

    /// <summary>For each UTF-16 index of the text (its length included) the number of code points before it; null when both are the same.</summary>
    public static int[]? Indices(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0) return null;
        var indices = new int[text.Length + 1];
        for (int i = 0, count = 0; i < text.Length; i++)
        {
            indices[i] = count;
            if (!char.IsHighSurrogate(text[i])) count++;
            indices[i + 1] = count;
        }

        return indices;
    }

    /// <summary>The code point at an index of a well-formed text and its width in units.</summary>
    public static int At(ReadOnlySpan<char> text, int index, out int width)
    {
        if (char.IsHighSurrogate(text[index]) && index + 1 < text.Length)
        {
            width = 2;
            return char.ConvertToUtf32(text[index], text[index + 1]);
        }

        width = 1;
        return text[index];
    }

    /// <summary>The code point that ends at an index above 0 of a well-formed text.</summary>
    public static int Before(ReadOnlySpan<char> text, int index) =>
        index > 1 && char.IsLowSurrogate(text[index - 1]) ? At(text, index - 2, out _) : text[index - 1];

}
