using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Rows of a CSV file, each as an object of texts: what holds for a row in JSON holds for it as well.</summary>
internal sealed class CsvRows(LineReader lines, DatasetColumns? names, WarningList warnings, ProblemList problems)
{
    public IEnumerable<(RowPlace, JsonElement)> Read()
    {
        if (CsvHeader.Read(lines, names, warnings) is not { } header) yield break;
        var records = new CsvRecords(lines, header.Separator);
        while (!problems.IsFull && TryNext(records, out var fields))
        {
            if (fields.Count == 0) continue;
            if (fields is [var only] && string.IsNullOrWhiteSpace(only)) warnings.Add(records.Line, "blank lines are skipped.");
            else if (fields.Count != header.Columns.Count) problems.Add(Ragged(records.Line, fields.Count, header.Columns.Count), nameof(Ragged));
            else yield return (new RowPlace(records.Line), Object(records.Line, header.Columns, fields));
        }
    }

    /// <param name="fields">None where the record is no good, which is then a problem.</param>
    /// <returns>Whether the file goes on.</returns>
    private bool TryNext(CsvRecords records, out IReadOnlyList<string> fields)
    {
        fields = [];
        try
        {
            if (records.Next() is not { } next) return false;
            fields = next;
        }
        catch (DatasetException refused)
        {
            problems.Add(refused.Problem, refused.Kind);
        }
        return true;
    }

    private JsonElement Object(int line, IReadOnlyList<string> columns, IReadOnlyList<string> fields)
    {
        if (fields.Any(field => field is ['=' or '+' or '-' or '@', ..]))
            warnings.Add(line, "a cell begins with =, +, - or @, which a spreadsheet takes for a formula; here it is text.");
        return JsonSerializer.SerializeToElement(columns.Zip(fields).ToDictionary(cell => cell.First, cell => cell.Second));
    }

    private static DatasetProblem Ragged(int line, int fields, int columns) =>
        new(line, $"the row has {fields} fields where the header has {columns} columns; put a text that holds the separator into double quotes.");
}
