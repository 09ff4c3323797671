using System.Text.RegularExpressions;

namespace FineTuneService.Engine.Chat.Jinja;

/// <summary>The filter wordwrap: Python's textwrap, which breaks lines at blanks and behind hyphens inside words.</summary>
internal static partial class WordWrap
{
    public static object? Filter(Arguments arguments)
    {
        var (width, breaksWords) = (arguments.GetInteger(1, "width", 79), arguments.IsTrue(2, "break_long_words", standard: true));
        var separator = arguments.Get(3, "wrapstring") is { } given ? arguments.Str(given) : "\n";
        var breaksHyphens = arguments.IsTrue(4, "break_on_hyphens", standard: true);
        if (width <= 0) throw new JinjaError($"invalid width {width} (must be > 0)");
        var text = new TextBuilder(arguments.Budget);
        var isFirst = true;
        foreach (var paragraph in StringSplitting.SplitLines(arguments.Str(arguments[0]), keepEnds: false, arguments.Budget))
        {
            if (!isFirst) text.Append(separator);
            isFirst = false;
            var lines = Lines((string)paragraph!, width, breaksWords, breaksHyphens, arguments.Budget);
            for (var i = 0; i < lines.Count; i++) text.Append(i == 0 ? "" : separator).Append(lines[i]);
        }
        return text.ToString();
    }

    private static List<string> Lines(string paragraph, int width, bool breaksWords, bool breaksHyphens, Budget budget)
    {
        var lines = new List<string>();
        // The next chunk is the last one.
        var chunks = (breaksHyphens ? Chunks() : BlankChunks()).Matches(paragraph).Select(match => match.Value).Reverse().ToList();
        while (chunks.Count > 0)
        {
            budget.Step();
            if (lines.Count > 0 && Text.IsBlank(chunks[^1])) chunks.RemoveAt(chunks.Count - 1);
            var (line, length) = (new List<string>(), 0);
            while (chunks.Count > 0 && length + Text.Length(chunks[^1]) <= width)
            {
                budget.Scan(chunks[^1].Length);
                length += Text.Length(chunks[^1]);
                line.Add(chunks[^1]);
                chunks.RemoveAt(chunks.Count - 1);
            }
            if (chunks.Count > 0 && Text.Length(chunks[^1]) > width) TakeLongWord(chunks, line, width - length, breaksWords, breaksHyphens, budget);
            if (line.Count > 0 && Text.IsBlank(line[^1])) line.RemoveAt(line.Count - 1);
            if (line.Count > 0) lines.Add(string.Concat(line));
        }
        return lines;
    }

    private static void TakeLongWord(List<string> chunks, List<string> line, int room, bool breaksWords, bool breaksHyphens, Budget budget)
    {
        var chunk = chunks[^1];
        budget.Scan(chunk.Length * 4.0);
        if (breaksWords)
        {
            var hyphen = breaksHyphens && room > 0 ? chunk.LastIndexOf('-', Math.Min(room, chunk.Length) - 1) : -1;
            var end = hyphen > 0 && chunk.AsSpan(0, hyphen).ContainsAnyExcept('-') ? hyphen + 1 : Math.Min(room, chunk.Length);
            line.Add(chunk[..end]);
            chunks[^1] = chunk[end..];
        }
        else if (line.Count == 0)
        {
            line.Add(chunk);
            chunks.RemoveAt(chunks.Count - 1);
        }
    }

    // Python's own expression: blanks, dashes between words, and words, which may be cut behind a hyphen.
    [GeneratedRegex("""
        [\t\n\x0b\x0c\r\ ]+
        |(?<=[\w!"'&.,?])-{2,}(?=\w)
        |[^\t\n\x0b\x0c\r\ ]+?(?:-(?:(?<=[^\d\W]{2}-)|(?<=[^\d\W]-[\w!"'&.,?]-))(?=[^\d\W]-?[^\d\W])|(?=[\t\n\x0b\x0c\r\ ]|\z)|(?<=[\w!"'&.,?])(?=-{2,}\w))
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Chunks();

    [GeneratedRegex("[\\t\\n\\x0b\\x0c\\r ]+|[^\\t\\n\\x0b\\x0c\\r ]+")]
    private static partial Regex BlankChunks();
}
