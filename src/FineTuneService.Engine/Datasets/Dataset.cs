namespace FineTuneService.Engine.Datasets;

/// <summary>A training file, read and checked.</summary>
public sealed class Dataset
{
    private readonly List<DatasetRow> _rows = [];

    private Dataset() { }

    /// <summary>What most of the file is taken for; meaningless where it has no row.</summary>
    public DatasetFormat Format { get; private set; }

    /// <summary>The good rows, in the order of the file.</summary>
    public IReadOnlyList<DatasetRow> Rows => _rows;

    /// <summary>Everything that is wrong, in the order of the file. A file with any is not trained on.</summary>
    public IReadOnlyList<DatasetProblem> Problems { get; private set; } = [];

    public IReadOnlyList<DatasetWarning> Warnings { get; private set; } = [];

    /// <summary>Reads JSONL or a JSON array, in UTF-8. Bad content never throws: it is a problem.</summary>
    /// <param name="fileName">The uploaded name, where there is one: a file named .csv has to hold CSV.</param>
    public static Dataset Read(Stream file, string? fileName = null)
    {
        var dataset = new Dataset();
        var warnings = new WarningList();
        var problems = new List<DatasetProblem>();
        var parser = new RowParser(warnings);
        var repeats = new RepeatedRows(warnings);
        try
        {
            foreach (var (place, json) in new JsonRows(file, warnings, problems).Read(fileName))
            {
                if (parser.Parse(place, json) is not { } row) continue;
                dataset._rows.Add(row);
                repeats.Check(row);
            }
        }
        catch (DatasetException refused)
        {
            problems.Add(refused.Problem);
        }
        dataset.Format = parser.Format ?? default;
        problems.AddRange(parser.Problems);
        if (dataset._rows.Count == 0 && problems.Count == 0) problems.Add(new DatasetProblem(0, "the file has no rows."));
        if (dataset._rows.Count is > 0 and < 10)
            warnings.Add(0, $"only {dataset._rows.Count} rows: fewer than 10 rarely teach a model anything.");
        dataset.Problems = [.. problems.OrderBy(problem => problem.Line)];
        dataset.Warnings = warnings.All;
        return dataset;
    }
}
