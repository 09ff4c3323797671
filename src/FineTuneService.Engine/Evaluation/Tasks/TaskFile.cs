using FineTuneService.Engine.Datasets;

namespace FineTuneService.Engine.Evaluation.Tasks;

/// <summary>A task's file: its bytes, its name, and the problems found in it. Hostile bytes are refused in bounded memory.</summary>
public sealed class TaskFile(Stream bytes, string name)
{
    private readonly ProblemList _problems = new(name);
    private readonly WarningList _warnings = new(name);

    public IReadOnlyList<DatasetProblem> Problems => _problems.All;

    /// <summary>By its name.</summary>
    internal bool IsJson => name.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    /// <summary>Rows of JSONL or of a JSON array.</summary>
    /// <param name="most">Rows after which nothing more is read.</param>
    /// <param name="parse">May throw the row's <see cref="RowJson.Error"/>.</param>
    internal IReadOnlyList<T> Objects<T>(int most, Func<RowJson, T> parse) => Rows(most, () => new FileRows(bytes, name, null, _warnings, _problems).Read(), value =>
    {
        var row = new RowJson(value.Place, value.Json, _warnings);
        row.Check();
        return parse(row);
    });

    /// <summary>Records of CSV without a header.</summary>
    /// <param name="most">Rows after which nothing more is read.</param>
    /// <param name="parse">Of a record's line and fields.</param>
    internal IReadOnlyList<T> Records<T>(int most, Func<int, IReadOnlyList<string>, T> parse) => Rows(most, ReadRecords, record => parse(record.Line, record.Fields));

    /// <summary>All of a file that is one text.</summary>
    internal string Text()
    {
        using var memory = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = bytes.Read(buffer)) > 0; memory.Write(buffer, 0, read))
        {
            if (memory.Length > StreamBuffer.MostBytes) throw new TaskException($"{name} is a text of more than {StreamBuffer.MostBytes >> 20} MB; evaluate a part of it");
        }
        ReadOnlySpan<byte> text = memory.GetBuffer().AsSpan(0, (int)memory.Length);
        if (text.StartsWith(FileKind.Utf8Mark)) text = text[FileKind.Utf8Mark.Length..];
        if (FileKind.Problem(text) is { } problem) _problems.Add(new DatasetProblem(0, problem));
        else if (!System.Text.Unicode.Utf8.IsValid(text)) _problems.Add(new DatasetProblem(0, "the file is not valid UTF-8."));
        else return System.Text.Encoding.UTF8.GetString(text);
        return "";
    }

    private IEnumerable<(int Line, IReadOnlyList<string> Fields)> ReadRecords()
    {
        var buffer = new StreamBuffer(bytes);
        if (FileKind.Problem(buffer.Peek(8)) is { } problem) throw new DatasetException(1, problem);
        if (buffer.Peek(3).StartsWith(FileKind.Utf8Mark)) buffer.Take(FileKind.Utf8Mark.Length);
        var records = new CsvRecords(new LineReader(buffer), ',');
        while (records.Next() is { } fields)
        {
            if (fields is not [""]) yield return (records.Line, fields);
        }
    }

    private List<T> Rows<TValue, T>(int most, Func<IEnumerable<TValue>> read, Func<TValue, T> parse)
    {
        var rows = new List<T>();
        using IEnumerator<TValue> values = read().GetEnumerator();
        try
        {
            while (rows.Count < most && !_problems.IsFull && values.MoveNext()) Add(rows, values.Current, parse);
        }
        catch (DatasetException broken)
        {
            _problems.Add(broken.Problem, broken.Kind);
        }
        if (_problems.IsFull) _problems.SayStopped(rows.Count);
        if (rows.Count == 0 && _problems.Count == 0) _problems.Add(new DatasetProblem(0, "the file has no rows."));
        return rows;
    }

    private void Add<TValue, T>(List<T> rows, TValue value, Func<TValue, T> parse)
    {
        try
        {
            rows.Add(parse(value));
        }
        catch (DatasetException bad)
        {
            _problems.Add(bad.Problem, bad.Kind);
        }
    }
}
