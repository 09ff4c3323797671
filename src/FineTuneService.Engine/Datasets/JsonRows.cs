using System.Text.Json;
using System.Text.Unicode;

namespace FineTuneService.Engine.Datasets;

/// <summary>The JSON values of a file: a line each, or the items of an array (alone, or under the one key <c>data</c>).</summary>
internal sealed class JsonRows(Stream file, WarningList warnings, List<DatasetProblem> problems)
{
    /// <summary>A row is four levels deep; deeper unknown keys are ignored, and a bomb is refused.</summary>
    private const int MaxDepth = 256;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Each value with its place. A value is valid until the next one is asked for.</summary>
    public IEnumerable<(RowPlace Place, JsonElement Json)> Read(string? fileName)
    {
        var reader = new LineReader(file);
        var start = reader.Peek(4);
        if (FileKind.Problem(start.Span) is { } problem) throw new DatasetException(1, problem);
        if (start.Span.StartsWith(FileKind.Utf8Mark))
        {
            reader.Skip(FileKind.Utf8Mark.Length);
            warnings.Add(1, "the file starts with a byte order mark, which is skipped.");
        }
        var isFirst = true;
        while (reader.Next() is { } line)
        {
            if (IsBlank(line.Span))
            {
                warnings.Add(reader.Line, "blank lines are skipped.");
                continue;
            }
            if (isFirst && FileKind.NotJson(line.Span) is { } otherFormat) throw otherFormat;
            if (isFirst && fileName?.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) == true)
                throw new DatasetException(1, "the file is named .csv, but holds JSON; name it .jsonl.");
            if (isFirst && line.Span.TrimStart(" \t"u8)[0] == '[')
            {
                if (fileName?.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) == true)
                    warnings.Add(0, "the file is a JSON array, not JSONL.");
                var firstLine = reader.Line;
                foreach (var row in Items(Rest(reader, line), firstLine)) yield return row;
                yield break;
            }
            foreach (var row in Line(reader, line, isFirst)) yield return row;
            isFirst = false;
        }
    }

    private static bool IsBlank(ReadOnlySpan<byte> line) => line.Trim(" \t\r"u8).IsEmpty;

    private IEnumerable<(RowPlace, JsonElement)> Line(LineReader reader, ReadOnlyMemory<byte> bytes, bool isFirst)
    {
        var line = reader.Line;
        using var document = Parse(bytes, line);
        if (document is null) yield break;
        var json = document.RootElement;
        if (isFirst && json.ValueKind == JsonValueKind.Object && json.GetPropertyCount() == 1
            && json.TryGetProperty("data"u8, out var data) && data.ValueKind == JsonValueKind.Array)
        {
            warnings.Add(0, "the rows were taken from the array under the key 'data'.");
            var number = 0;
            foreach (var item in data.EnumerateArray()) yield return (new RowPlace(line, ++number), item);
        }
        else yield return (new RowPlace(line), json);
    }

    private JsonDocument? Parse(ReadOnlyMemory<byte> bytes, int line)
    {
        if (Encoding(bytes.Span) is { } problem)
        {
            problems.Add(new DatasetProblem(line, problem));
            return null;
        }
        try
        {
            return JsonDocument.Parse(bytes, Options);
        }
        catch (JsonException error)
        {
            problems.Add(new DatasetProblem(line, Describe(error)));
            return null;
        }
    }

    private static string? Encoding(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith(FileKind.Utf8Mark)) return "a byte order mark before the object: were two files joined?";
        if (bytes.Contains((byte)0)) return "the line holds NUL bytes.";
        return Utf8.IsValid(bytes) ? null : "the line is not valid UTF-8.";
    }

    private static string Describe(JsonException error)
    {
        var sentence = error.Message.Split(" LineNumber:")[0].Split(" Path:")[0];
        return $"invalid JSON at byte {error.BytePositionInLine + 1}: {sentence}";
    }

    /// <summary>The line and everything behind it: an array is parsed as a whole.</summary>
    private static byte[] Rest(LineReader reader, ReadOnlyMemory<byte> line)
    {
        var rest = new MemoryStream();
        for (ReadOnlyMemory<byte>? next = line; next is { } bytes; next = reader.Next())
        {
            rest.Write(bytes.Span);
            rest.WriteByte((byte)'\n');
        }
        return rest.ToArray();
    }

    private IEnumerable<(RowPlace, JsonElement)> Items(byte[] array, int firstLine)
    {
        if (Encoding(array) is { } problem) throw new DatasetException(firstLine, problem);
        var (items, broken) = FindItems(array, firstLine);
        foreach (var (range, place) in items)
        {
            using var document = JsonDocument.Parse(array.AsMemory(range), Options);
            yield return (place, document.RootElement);
        }
        if (broken is not null) throw broken;
    }

    /// <summary>Where the array's items lie. JSON that is broken ends the list.</summary>
    private static (List<(Range, RowPlace)> Items, DatasetException? Broken) FindItems(byte[] array, int firstLine)
    {
        var items = new List<(Range, RowPlace)>();
        var reader = new Utf8JsonReader(array, new JsonReaderOptions { MaxDepth = MaxDepth + 1 });
        var (line, counted) = (firstLine, 0);
        try
        {
            reader.Read();
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                var start = (int)reader.TokenStartIndex;
                line += array.AsSpan(counted, start - counted).Count((byte)'\n');
                counted = start;
                reader.Skip();
                items.Add((start..(int)reader.BytesConsumed, new RowPlace(line, items.Count + 1)));
            }
            reader.Read();
            return (items, null);
        }
        catch (JsonException error)
        {
            return (items, new DatasetException(firstLine + (int)(error.LineNumber ?? 0), Describe(error)));
        }
    }
}
