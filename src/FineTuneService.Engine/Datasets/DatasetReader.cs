using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Reads a training file row by row: JSONL, a JSON array, or CSV, in UTF-8. Bad content never throws: it is a problem.</summary>
/// <param name="fileName">The uploaded name, where there is one: a file named .csv has to hold CSV, and messages name the file.</param>
/// <param name="columns">What the user says of the file's columns; null: their names tell.</param>
public sealed class DatasetReader(Stream file, string? fileName = null, DatasetColumns? columns = null)
{
    private readonly WarningList _warnings = new(fileName);
    private readonly ProblemList _problems = new(fileName);
    private RowParser? _parser;

    /// <summary>What most of the file is taken for; meaningless where it has no row.</summary>
    public DatasetFormat Format => _parser?.Format ?? default;

    /// <summary>Whether anything is wrong so far: such a file is not trained on.</summary>
    public bool HasProblems => _problems.Count > 0;

    /// <summary>What is wrong, in the order of the file; complete once <see cref="Rows"/> has ended.</summary>
    public IReadOnlyList<DatasetProblem> Problems => _problems.All;

    public IReadOnlyList<DatasetWarning> Warnings => _warnings.All;

    /// <summary>The good rows, in the order of the file, as they are read: to be asked for once.</summary>
    public IEnumerable<DatasetRow> Rows()
    {
        _parser = new RowParser(columns, _warnings, _problems);
        var repeats = new RepeatedRows(_warnings);
        var labels = new LabelCounts(_warnings);
        using var values = new FileRows(file, fileName, columns, _warnings, _problems).Read().GetEnumerator();
        var rows = 0;
        while (!_problems.IsFull && Next(values))
        {
            if (_parser.Parse(values.Current.Place, values.Current.Json) is not { } row) continue;
            rows++;
            repeats.Check(row);
            labels.Add(row);
            yield return row;
        }
        if (_problems.IsFull) _problems.SayStopped(rows);
        if (rows == 0 && _problems.Count == 0) _problems.Add(new DatasetProblem(0, "the file has no rows."));
        labels.Check();
        if (rows is > 0 and < 10) _warnings.Add(0, $"only {rows} rows: fewer than 10 rarely teach a model anything.");
    }

    /// <summary>The next value, unless the file ends or breaks off here.</summary>
    private bool Next(IEnumerator<(RowPlace Place, JsonElement Json)> values)
    {
        try
        {
            return values.MoveNext();
        }
        catch (DatasetException refused)
        {
            _problems.Add(refused.Problem, refused.Kind);
            return false;
        }
    }
}
