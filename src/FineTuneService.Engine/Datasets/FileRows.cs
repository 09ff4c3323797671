using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>The rows of a file as JSON values, whatever the file is: JSONL, a JSON array, or CSV.</summary>
internal sealed class FileRows(Stream file, string? fileName, DatasetColumns? columns, WarningList warnings, ProblemList problems)
{
    /// <summary>Bytes that tell what a file is.</summary>
    private const int Start = 4096;

    /// <summary>Each value with its place. A value is valid until the next one is asked for.</summary>
    /// <exception cref="DatasetException">The file cannot be read from here on.</exception>
    public IEnumerable<(RowPlace Place, JsonElement Json)> Read()
    {
        // Nothing is read, and so nothing is thrown, before the first value is asked for.
        foreach (var value in Open()) yield return value;
    }

    private IEnumerable<(RowPlace, JsonElement)> Open()
    {
        var buffer = new StreamBuffer(file);
        if (FileKind.Problem(buffer.Peek(8)) is { } problem) throw new DatasetException(1, problem);
        var isCsv = HasEnding(".csv") || HasEnding(".tsv");
        if (buffer.Peek(3).StartsWith(FileKind.Utf8Mark))
        {
            buffer.Take(FileKind.Utf8Mark.Length);
            // Excel writes one before every CSV.
            if (!isCsv) warnings.Add(1, "the file starts with a byte order mark, which is skipped.");
        }
        var start = buffer.Peek(Start);
        if (!isCsv && JsonItems.IsAt(start))
        {
            if (HasEnding(".jsonl")) warnings.Add(0, "the file is a JSON array, not JSONL.");
            return new JsonItems(buffer, warnings, problems).Read();
        }
        if (isCsv && FileKind.IsJson(start)) throw new DatasetException(1, "the file is named .csv, but holds JSON; name it .jsonl.");
        if (!isCsv && FileKind.NotJson(start) is { } otherFormat) throw new DatasetException(1, otherFormat);
        var lines = new LineReader(buffer);
        return isCsv ? new CsvRows(lines, columns, warnings, problems).Read() : new JsonLines(lines, warnings, problems).Read();
    }

    private bool HasEnding(string ending) => fileName?.EndsWith(ending, StringComparison.OrdinalIgnoreCase) == true;
}
