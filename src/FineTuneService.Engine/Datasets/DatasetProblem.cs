namespace FineTuneService.Engine.Datasets;

/// <summary>Why a file cannot be trained on.</summary>
/// <param name="Line">1-based, counted by line feeds: the first that has it; 0 where it is about the whole file.</param>
/// <param name="Feature">A format that is known but not built, by name; null where the file itself is wrong.</param>
/// <param name="Count">How many rows have it; 0 where it says that the rest was not read.</param>
public sealed record DatasetProblem(int Line, string Message, string? Feature = null, int Count = 1)
{
    /// <summary>The file's uploaded name, where it has one.</summary>
    public string? File { get; init; }

    /// <summary>The next lines that have it.</summary>
    public IReadOnlyList<int> MoreLines { get; init; } = [];

    public override string ToString() => DatasetPlace.Of(File, Line, Count, MoreLines) + Message;
}

/// <summary>Something that does not stop the training, but that the file's owner should know.</summary>
/// <param name="Line">The first line that has it; 0 where it is about the whole file.</param>
/// <param name="Count">How many lines have it.</param>
public sealed record DatasetWarning(int Line, string Message, int Count = 1)
{
    /// <summary>The file's uploaded name, where it has one.</summary>
    public string? File { get; init; }

    public override string ToString() => DatasetPlace.Of(File, Line, Count, []) + Message;
}
