namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The methods of Python's str that cut it into parts.</summary>
internal static class StringSplitting
{
    public static object Split(string text, Arguments arguments, bool fromRight)
    {
        var (limit, budget) = (arguments.GetInteger(1, "maxsplit", -1), arguments.Budget);
        if (arguments.Get(0, "sep") is null) return fromRight && limit >= 0 ? LastWords(text, limit, budget) : SplitWords(text, limit, budget);
        var separator = arguments.RequireText(0, "sep");
        if (separator.Length == 0) throw new JinjaError("empty separator");
        return fromRight && limit >= 0 ? LastParts(text, separator, limit, budget) : Parts(text, separator, limit, budget);
    }

    /// <summary>The parts between blanks; after <paramref name="limit"/> cuts the rest is one part. Negative: no limit.</summary>
    public static List<object?> SplitWords(string text, int limit, Budget budget)
    {
        var words = new List<object?>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && Text.IsSpace(text[at])) at++;
            if (at == text.Length) return words;
            var start = at;
            if (words.Count == limit) at = text.Length;
            while (at < text.Length && !Text.IsSpace(text[at])) at++;
            Add(words, text[start..at], budget);
        }
    }

    public static List<object?> SplitLines(string text, bool keepEnds, Budget budget)
    {
        var lines = new List<object?>();
        for (int start = 0, next; start < text.Length; start = next)
        {
            var end = start;
            while (end < text.Length && text[end] is not ('\n' or '\r' or '\v' or '\f' or (>= '\x1c' and <= '\x1e') or '\x85' or '\u2028' or '\u2029')) end++;
            next = end == text.Length ? end : text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            Add(lines, text[start..(keepEnds ? next : end)], budget);
        }
        return lines;
    }

    public static PythonTuple Partition(string text, string separator, bool last, Budget budget)
    {
        if (separator.Length == 0) throw new JinjaError("empty separator");
        var at = last ? TextSearch.LastIndexOf(text, separator, text.Length, budget) : TextSearch.IndexOf(text, separator, 0, budget);
        if (at < 0) return last ? new PythonTuple(["", "", text]) : new PythonTuple([text, "", ""]);
        budget.Allocate(text.Length);
        return new PythonTuple([text[..at], separator, text[(at + separator.Length)..]]);
    }

    private static List<object?> Parts(string text, string separator, int limit, Budget budget)
    {
        var parts = new List<object?>();
        var from = 0;
        foreach (var at in TextSearch.All(text, separator, budget))
        {
            if (parts.Count == limit) break;
            Add(parts, text[from..at], budget);
            from = at + separator.Length;
        }
        Add(parts, text[from..], budget);
        return parts;
    }

    private static List<object?> LastParts(string text, string separator, int limit, Budget budget)
    {
        var parts = new List<object?>();
        var end = text.Length;
        while (limit-- > 0 && TextSearch.LastIndexOf(text, separator, end, budget) is >= 0 and var at)
        {
            Add(parts, text[(at + separator.Length)..end], budget);
            end = at;
        }
        Add(parts, text[..end], budget);
        parts.Reverse();
        return parts;
    }

    private static List<object?> LastWords(string text, int limit, Budget budget)
    {
        var words = new List<object?>();
        var end = text.Length;
        while (true)
        {
            while (end > 0 && Text.IsSpace(text[end - 1])) end--;
            if (end == 0) break;
            var start = end;
            if (words.Count == limit) start = 0;
            while (start > 0 && !Text.IsSpace(text[start - 1])) start--;
            Add(words, text[start..end], budget);
            end = start;
        }
        words.Reverse();
        return words;
    }

    private static void Add(List<object?> parts, string part, Budget budget)
    {
        budget.AllocateItems(3);
        budget.Allocate(part.Length);
        parts.Add(part);
    }
}
