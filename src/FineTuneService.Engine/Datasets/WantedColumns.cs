namespace FineTuneService.Engine.Datasets;

/// <summary>Which columns a file of columns needs: those of one of the formats, or those that the user names.</summary>
internal sealed class WantedColumns(DatasetColumns? names)
{
    /// <summary>A column's name as it is compared.</summary>
    public string Normal(string name) => names is null ? name.Trim().ToLowerInvariant() : name.Trim();

    public bool Holds(IReadOnlyList<string> columns)
    {
        if (names?.Template is null) return Formats.Any(format => format.Columns.All(column => columns.Contains(Named(column))));
        return names.Template.Places.All(place => place == "input" || columns.Contains(names.Of(place)))
            && (names.Names.TryGetValue("completion", out var answer) ? columns.Contains(answer) : DatasetColumns.Answers.Any(columns.Contains));
    }

    /// <summary>One column of any text is a list of lines as often as a file of texts: it has to be asked for.</summary>
    private IEnumerable<RowFormat> Formats => RowFormat.All.Where(format => format.Columns.Length > (names is null ? 1 : 0));

    private string Named(string column) => names?.Of(column) ?? column;

    public override string ToString() => names?.Template is null
        ? "neither the columns " + string.Join(" nor ", Formats.Select(format => string.Join(" and ", format.Columns.Select(column => $"'{Named(column)}'"))))
        : "not the columns " + string.Join(", ", names.Template.Places.Select(place => $"'{names.Of(place)}'")) + $" and '{names.Names.GetValueOrDefault("completion", "completion")}'";
}
