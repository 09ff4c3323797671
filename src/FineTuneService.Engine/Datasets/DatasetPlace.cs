namespace FineTuneService.Engine.Datasets;

/// <summary>How messages say where something is: "rows.jsonl, line 3 and 14 more (5, 7, …): ".</summary>
internal static class DatasetPlace
{
    /// <summary>Lines that a sentence names beside the first.</summary>
    private const int LinesShown = 4;

    public static string Of(string? file, int line, int count, IReadOnlyList<int> moreLines)
    {
        var lines = line == 0 ? "" : count <= 1 ? $"line {line}" : $"line {line} and {count - 1} more{Listed(count, moreLines)}";
        string[] parts = [.. new[] { file is null ? "" : Clip.To(file, 100), lines }.Where(part => part.Length > 0)];
        return parts.Length == 0 ? "" : string.Join(", ", parts) + ": ";
    }

    private static string Listed(int count, IReadOnlyList<int> lines) => lines.Count == 0 ? ""
        : $" ({string.Join(", ", lines.Take(LinesShown))}{(Math.Min(lines.Count, LinesShown) < count - 1 ? ", …" : "")})";
}
