namespace FineTuneService.Engine.Datasets;

/// <summary>A training file, read and checked. <see cref="DatasetReader"/> does the same for a file too large to hold.</summary>
public sealed class Dataset
{
    private Dataset(string? fileName, DatasetReader reader, int mostRows)
    {
        FileName = fileName;
        Rows = [.. reader.Rows().Take(mostRows)];
        (Format, Problems, Warnings) = (reader.Format, reader.Problems, reader.Warnings);
    }

    /// <summary>The uploaded name, which messages about the file begin with.</summary>
    public string? FileName { get; }

    /// <summary>What most of the file is taken for; meaningless where it has no row.</summary>
    public DatasetFormat Format { get; }

    /// <summary>The good rows, in the order of the file.</summary>
    public IReadOnlyList<DatasetRow> Rows { get; }

    /// <summary>What is wrong, in the order of the file. A file with any is not trained on.</summary>
    public IReadOnlyList<DatasetProblem> Problems { get; }

    public IReadOnlyList<DatasetWarning> Warnings { get; }

    /// <summary>Reads JSONL, a JSON array or CSV, in UTF-8. Bad content never throws: it is a problem.</summary>
    /// <param name="fileName">The uploaded name, where there is one: a file named .csv has to hold CSV.</param>
    /// <param name="mostRows">Rows after which nothing more is read.</param>
    /// <param name="columns">What the user says of the file's columns.</param>
    public static Dataset Read(Stream file, string? fileName = null, int mostRows = int.MaxValue, DatasetColumns? columns = null) =>
        new(fileName, new DatasetReader(file, fileName, columns), mostRows);
}
