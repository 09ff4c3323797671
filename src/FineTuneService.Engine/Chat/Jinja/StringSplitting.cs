namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's str that cut it into parts.</summary>
internal static class StringSplitting
{
    public static object Split(string text, Arguments arguments, bool fromRight)
    {
        var limit = arguments.GetInteger(1, "maxsplit", -1);
        if (arguments.Get(0, "sep") is null)
            return fromRight && limit >= 0 ? throw JinjaError.Unsupported("rsplit by blanks with a limit") : SplitWords(text, limit);
        var separator = arguments.RequireText(0, "sep");
        if (separator.Length == 0) throw new JinjaError("empty separator");
        if (limit < 0) return text.Split(separator).ToList<object?>();
        if (!fromRight) return text.Split(separator, limit == int.MaxValue ? limit : limit + 1).ToList<object?>();
        var parts = new List<object?>();
        var end = text.Length;
        while (limit-- > 0 && end > 0 && text.LastIndexOf(separator, end - 1, StringComparison.Ordinal) is >= 0 and var at)
        {
            parts.Add(text[(at + separator.Length)..end]);
            end = at;
        }
        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    /// <summary>The parts between blanks; after <paramref name="limit"/> cuts the rest is one part. Negative: no limit.</summary>
    public static List<object?> SplitWords(string text, int limit)
    {
        var words = new List<object?>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && Text.IsSpace(text[at])) at++;
            if (at == text.Length) return words;
            var start = at;
            if (words.Count == limit)
            {
                words.Add(text[start..]);
                return words;
            }
            while (at < text.Length && !Text.IsSpace(text[at])) at++;
            words.Add(text[start..at]);
        }
    }

    public static List<object?> SplitLines(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n').ToList<object?>();
        if (lines[^1] is "") lines.RemoveAt(lines.Count - 1);
        return lines;
    }

    public static PythonTuple Partition(string text, string separator, bool last)
    {
        var at = last ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0) return last ? new PythonTuple(["", "", text]) : new PythonTuple([text, "", ""]);
        return new PythonTuple([text[..at], separator, text[(at + separator.Length)..]]);
    }
}
