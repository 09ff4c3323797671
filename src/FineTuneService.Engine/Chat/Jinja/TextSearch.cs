namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>
/// Finds a text in another. .NET's search is fast for the short texts that templates look for, but takes the product of both lengths
/// for some long ones; those are searched for by Knuth, Morris and Pratt's algorithm, which takes their sum.
/// </summary>
internal static class TextSearch
{
    private const int LongestShort = 32;

    public static int IndexOf(string text, string part, int from, Budget budget)
    {
        budget.Scan(text.Length - from + 1);
        return part.Length <= LongestShort
            ? text.IndexOf(part, from, StringComparison.Ordinal) : Search(text.Length - from, at => text[from + at], part.Length, at => part[at], budget, from);
    }

    /// <summary>The last place before <paramref name="end"/> where the part stands whole.</summary>
    public static int LastIndexOf(string text, string part, int end, Budget budget)
    {
        budget.Scan(end + 1);
        if (part.Length > end) return -1;
        if (part.Length == 0) return end;
        if (part.Length <= LongestShort) return text.LastIndexOf(part, end - 1, end, StringComparison.Ordinal);
        var found = Search(end, at => text[end - 1 - at], part.Length, at => part[part.Length - 1 - at], budget, 0);
        return found < 0 ? -1 : end - found - part.Length;
    }

    /// <summary>Places of the part from the left, without overlap.</summary>
    public static IEnumerable<int> All(string text, string part, Budget budget)
    {
        // The rest of the text is not paid for again at each place: a search ends where it finds.
        budget.Scan(text.Length);
        for (var from = 0; from <= text.Length;)
        {
            budget.Step();
            var at = part.Length <= LongestShort
                ? text.IndexOf(part, from, StringComparison.Ordinal) : Search(text.Length - from, i => text[from + i], part.Length, i => part[i], budget, from);
            if (at < 0) yield break;
            yield return at;
            from = at + Math.Max(1, part.Length);
        }
    }

    private static int Search(int length, Func<int, char> text, int partLength, Func<int, char> part, Budget budget, int offset)
    {
        budget.AllocateItems(partLength);
        var borders = new int[partLength];
        for (int i = 1, border = 0; i < partLength; i++)
        {
            while (border > 0 && part(i) != part(border)) border = borders[border - 1];
            if (part(i) == part(border)) border++;
            borders[i] = border;
        }
        for (int i = 0, matched = 0; i < length; i++)
        {
            if (i % 1024 == 0) budget.Step(16);
            while (matched > 0 && text(i) != part(matched)) matched = borders[matched - 1];
            if (text(i) == part(matched)) matched++;
            if (matched == partLength) return offset + i - partLength + 1;
        }
        return -1;
    }
}
