namespace FineTuneService.Demo.World;

/// <summary>Values laid out for a machine: JSON and columns.</summary>
public static class Layout
{
    public static string Json(IEnumerable<(string Key, string Value)> fields) =>
        "{" + string.Join(", ", fields.Select(f => $"\"{f.Key}\": \"{f.Value.Replace("\\", "\\\\").Replace("\"", "\\\"")}\"")) + "}";

    public static string Columns(IEnumerable<string> values) => string.Join(" | ", values);

    /// <summary>Asks for the fields by their keys, in one of the layouts.</summary>
    public static Turn Ask((string Key, string Value)[] fields, Draw draw)
    {
        var keys = string.Join(", ", fields.Select(f => f.Key));
        return draw.Chance(65)
            ? new Turn($"json: {keys}", Json(fields))
            : new Turn($"columns: {keys}", Columns(fields.Select(f => f.Value)));
    }
}
