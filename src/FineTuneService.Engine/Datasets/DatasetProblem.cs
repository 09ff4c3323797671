namespace FineTuneService.Engine.Datasets;

/// <summary>Why a file cannot be trained on.</summary>
/// <param name="Line">1-based, counted by line feeds; 0 where it is about the whole file.</param>
/// <param name="Feature">A format that is known but not built, by name; null where the file itself is wrong.</param>
public sealed record DatasetProblem(int Line, string Message, string? Feature = null)
{
    public override string ToString() => Line > 0 ? $"line {Line}: {Message}" : Message;
}

/// <summary>Something that does not stop the training, but that the file's owner should know.</summary>
/// <param name="Line">The first line that has it; 0 where it is about the whole file.</param>
/// <param name="Count">How many lines have it.</param>
public sealed record DatasetWarning(int Line, string Message, int Count = 1)
{
    public override string ToString() =>
        Line == 0 ? Message : Count == 1 ? $"line {Line}: {Message}" : $"line {Line} and {Count - 1} more: {Message}";
}
