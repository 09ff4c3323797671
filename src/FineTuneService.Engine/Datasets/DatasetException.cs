namespace FineTuneService.Engine.Datasets;

/// <summary>Ends the reading of one row, or of the file; <see cref="Dataset.Read"/> turns it into a problem.</summary>
internal sealed class DatasetException(int line, string message, string? feature = null) : Exception(message)
{
    public DatasetProblem Problem { get; } = new(line, message, feature);

    /// <summary>A format that others have, and this service not yet.</summary>
    public static DatasetException Unsupported(int line, string format) => new(line, $"{format} is not supported.", format);
}
