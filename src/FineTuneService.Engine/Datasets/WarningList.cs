namespace FineTuneService.Engine.Datasets;

/// <summary>Warnings, one a kind: a million blank lines are one warning with a count.</summary>
internal sealed class WarningList(string? file)
{
    /// <summary>Kinds listed; a file may have a new unknown key in every row.</summary>
    private const int Most = 50;
    private const string Others = "there are further warnings, which are not listed.";

    private readonly Dictionary<string, DatasetWarning> _warnings = [];

    /// <summary>In the order in which they first came up.</summary>
    public IReadOnlyList<DatasetWarning> All => [.. _warnings.Values];

    public void Add(int line, string message)
    {
        if (_warnings.Count >= Most && !_warnings.ContainsKey(message)) message = Others;
        _warnings[message] = _warnings.TryGetValue(message, out var known)
            ? known with { Count = known.Count + 1 } : new DatasetWarning(line, message) { File = file };
    }
}
