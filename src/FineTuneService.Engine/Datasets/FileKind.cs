using System.Text.Json;
using System.Text.Unicode;

namespace FineTuneService.Engine.Datasets;

/// <summary>What a file's bytes say about it, before they are read as rows.</summary>
internal static class FileKind
{
    /// <summary>A file's first bytes, and what starts with them. Longer ones first: UTF-32's mark begins with UTF-16's.</summary>
    private static readonly (byte[] Start, string Problem)[] NotText =
    [
        ([0xFF, 0xFE, 0, 0], "the file is UTF-32; save it as UTF-8."),
        ([0, 0, 0xFE, 0xFF], "the file is UTF-32; save it as UTF-8."),
        ([0xFF, 0xFE], "the file is UTF-16; save it as UTF-8."),
        ([0xFE, 0xFF], "the file is UTF-16; save it as UTF-8."),
        ([0x1F, 0x8B], "the file is gzip-compressed; upload it unpacked."),
        ([.. "PK\u0003\u0004"u8], "the file is a zip archive, or an Excel workbook; upload what is in it, as JSONL or CSV."),
        ([.. "PAR1"u8], "the file is Parquet; upload JSONL."),
        ([0x89, .. "PNG"u8], "the file is an image."),
    ];

    public static readonly byte[] Utf8Mark = [0xEF, 0xBB, 0xBF];

    /// <returns>What is wrong, or null where the bytes may be text in UTF-8.</returns>
    public static string? Problem(ReadOnlySpan<byte> start)
    {
        foreach (var (bytes, problem) in NotText)
            if (start.StartsWith(bytes)) return problem;
        // Without a mark, every second byte of English text is zero.
        return start is [0, not 0, 0, not 0, ..] or [not 0, 0, not 0, 0, ..] ? "the file is UTF-16; save it as UTF-8." : null;
    }

    /// <returns>Why a line is no text, or null.</returns>
    public static string? LineProblem(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith(Utf8Mark)) return "a byte order mark before the object: were two files joined?";
        if (line.Contains((byte)0)) return "the line holds NUL bytes.";
        return Utf8.IsValid(line) ? null : "the line is not valid UTF-8.";
    }

    /// <summary>Whether a file named .csv begins with JSON: a header may start with a bracket, and go on as no JSON does.</summary>
    public static bool IsJson(ReadOnlySpan<byte> start)
    {
        var line = FirstLine(start);
        if (line.IsEmpty || line[0] is not ((byte)'{' or (byte)'[')) return false;
        try
        {
            var reader = new Utf8JsonReader(line, isFinalBlock: false, default);
            while (reader.Read())
            {
            }
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>What is wrong with a file whose first line is no JSON: a web page, or columns. Null for anything else.</summary>
    public static string? NotJson(ReadOnlySpan<byte> start)
    {
        var line = FirstLine(start);
        if (line.IsEmpty || line[0] is (byte)'{' or (byte)'[' || line.StartsWith("//"u8)) return null;
        if (line[0] == '<') return "the file is a web page or XML, not JSONL.";
        var names = line[0] == '"' ? BehindQuoted(line) : line;
        return names.IndexOfAny(CsvHeader.Separators) >= 0
            ? "the file holds columns (CSV), not JSON; name it .csv, with the columns 'prompt' and 'completion' or 'instruction' and 'output'." : null;
    }

    /// <summary>The byte behind a quoted text: a separator where it is a column's name.</summary>
    private static ReadOnlySpan<byte> BehindQuoted(ReadOnlySpan<byte> line)
    {
        var end = line[1..].IndexOf((byte)'"');
        var behind = end < 0 ? [] : line[(end + 2)..].TrimStart(" "u8);
        return behind[..Math.Min(1, behind.Length)];
    }

    private static ReadOnlySpan<byte> FirstLine(ReadOnlySpan<byte> start)
    {
        var text = start.TrimStart(" \t\r\n"u8);
        var end = text.IndexOf((byte)'\n');
        return (end < 0 ? text : text[..end]).TrimEnd(" \t\r"u8);
    }
}
