namespace FineTuneService.Engine.Datasets;

/// <summary>Ends the reading of one row, or of the file; <see cref="DatasetReader"/> turns it into a problem.</summary>
/// <param name="kind">What the same problem elsewhere has in common; null: its message.</param>
internal sealed class DatasetException(int line, string message, string? feature = null, string? kind = null) : Exception(message)
{
    public DatasetProblem Problem { get; } = new(line, message, feature);

    public string? Kind { get; } = kind;

    /// <summary>A format that others have, and this service not yet.</summary>
    public static DatasetException Unsupported(int line, string format) => new(line, $"{format} is not supported.", format);
}
