using System.Text;

namespace FineTuneService.Engine.Datasets;

/// <summary>
/// Records of a CSV file as RFC 4180 has them: a quoted field may hold separators, doubled quotes and line ends. A quote inside a field
/// that is not quoted is a character like others.
/// </summary>
internal sealed class CsvRecords(LineReader lines, char separator)
{
    private readonly StringBuilder _field = new();
    private List<string> _fields = [];
    private bool _quoted;
    private int _openedAt;

    /// <summary>1-based line on which the record that <see cref="Next"/> gave last begins.</summary>
    public int Line { get; private set; }

    /// <summary>The next record's fields; null at the end.</summary>
    /// <exception cref="DatasetException">The record is no text, or a quote in it is never closed.</exception>
    public IReadOnlyList<string>? Next()
    {
        if (lines.Next() is not { } line) return null;
        Line = lines.Line;
        _fields = [];
        _field.Clear();
        _quoted = false;
        Append(Text(line));
        while (_quoted)
        {
            _field.Append('\n');
            if (lines.Next() is not { } next) throw new DatasetException(_openedAt, "a quote is opened on this line and never closed.");
            if (_field.Length > StreamBuffer.MostBytes) throw new DatasetException(_openedAt, "a quote is opened on this line and not closed for many lines.");
            Append(Text(next));
        }
        EndField();
        return _fields;
    }

    private void Append(string line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (_quoted && c == '"')
            {
                if (i + 1 < line.Length && line[i + 1] == '"') _field.Append(line[++i]);
                else _quoted = false;
            }
            else if (!_quoted && c == '"' && _field.Length == 0) (_quoted, _openedAt) = (true, lines.Line);
            else if (!_quoted && c == separator) EndField();
            else if (_quoted || c != '\r' || i + 1 < line.Length) _field.Append(c);
        }
    }

    private void EndField()
    {
        _fields.Add(_field.ToString());
        _field.Clear();
    }

    private string Text(ReadOnlyMemory<byte> line) => FileKind.LineProblem(line.Span) is { } problem
        ? throw new DatasetException(lines.Line, problem) : Encoding.UTF8.GetString(line.Span);
}
