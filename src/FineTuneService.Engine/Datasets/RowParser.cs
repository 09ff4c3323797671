using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Makes rows of JSON objects. The first row whose keys are known decides the format of all.</summary>
/// <param name="columns">What the user says of the file's columns; null: their names tell.</param>
internal sealed class RowParser(DatasetColumns? columns, WarningList warnings, ProblemList problems)
{
    public DatasetFormat? Format { get; private set; }

    /// <returns>Null where the row is no good, which is then a problem.</returns>
    public DatasetRow? Parse(RowPlace place, JsonElement json)
    {
        try
        {
            return ParseRow(new RowJson(place, json, warnings));
        }
        catch (DatasetException refused)
        {
            problems.Add(refused.Problem, refused.Kind);
            return null;
        }
    }

    private DatasetRow ParseRow(RowJson row)
    {
        row.Check();
        if (columns?.Template is not null)
        {
            Format = DatasetFormat.PromptCompletion;
            return TemplateRows.Parse(row, columns);
        }
        if (columns is not null) row = row.Renamed(columns.Names);
        var format = RowFormat.Of(row);
        if (format is { } found && Format is { } whole && found.Format != whole)
            throw row.Error($"a {found.Format.Name()} row in a {whole.Name()} file; all rows of a file have one format.");
        Format ??= format?.Format;
        if (Format is not { } known)
            throw row.Error($"the row has neither {RowFormat.Names}; name the file's columns in dataset.columns, or put them into a dataset.prompt_template.");
        return RowFormat.Of(known).Parse(row);
    }
}
