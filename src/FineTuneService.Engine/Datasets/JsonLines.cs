using System.Text.Json;
using FineTuneService.Engine.Formats;

namespace FineTuneService.Engine.Datasets;

/// <summary>The JSON values of a file that has one on each line.</summary>
internal sealed class JsonLines(LineReader lines, WarningList warnings, ProblemList problems)
{
    /// <summary>A row is four levels deep; deeper unknown keys are ignored, and a bomb is refused.</summary>
    public const int MaxDepth = 256;

    public static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth };

    public static readonly JsonDocumentOptions DocumentOptions = new() { MaxDepth = MaxDepth };

    public IEnumerable<(RowPlace, JsonElement)> Read()
    {
        while (!problems.IsFull && lines.Next() is { } line)
        {
            if (line.Span.Trim(" \t\r"u8).IsEmpty)
            {
                warnings.Add(lines.Line, "blank lines are skipped.");
                continue;
            }
            using var document = Parse(line);
            if (document is not null) yield return (new RowPlace(lines.Line), document.RootElement);
        }
    }

    private JsonDocument? Parse(ReadOnlyMemory<byte> line)
    {
        var number = lines.Line;
        try
        {
            return ParseRow(line, number);
        }
        catch (DatasetException refused)
        {
            var taken = SpanningValue.TakeRest(line.Span, lines);
            if (taken == 1) problems.Add(refused.Problem, refused.Kind);
            else problems.Add(Spanning(number, taken), nameof(Spanning));
            return null;
        }
    }

    private static DatasetProblem Spanning(int line, int count) => new(line,
        $"an object spans {count} lines: JSONL has one object a line (`jq -c . FILE` rewrites it), or all of them in one JSON array.");

    /// <param name="item">The row's bytes; the document reads them while it lives.</param>
    /// <exception cref="DatasetException">They are not JSON in UTF-8.</exception>
    public static JsonDocument ParseRow(ReadOnlyMemory<byte> item, int line)
    {
        if (FileKind.LineProblem(item.Span) is { } problem) throw new DatasetException(line, problem);
        try
        {
            return JsonDocument.Parse(item, DocumentOptions);
        }
        catch (JsonException error)
        {
            throw Broken(line, error);
        }
    }

    public static DatasetException Broken(int line, JsonException error)
    {
        var sentence = JsonFault.Sentence(error);
        return new DatasetException(line, $"invalid JSON at byte {error.BytePositionInLine + 1}: {sentence}", kind: sentence);
    }
}
