namespace FineTuneService.Engine.Datasets;

/// <summary>Warnings, one a kind: a million blank lines are one warning with a count.</summary>
internal sealed class WarningList
{
    private readonly Dictionary<string, DatasetWarning> _warnings = [];

    /// <summary>In the order in which they first came up.</summary>
    public IReadOnlyList<DatasetWarning> All => [.. _warnings.Values];

    public void Add(int line, string message) => _warnings[message] = _warnings.TryGetValue(message, out var known)
        ? known with { Count = known.Count + 1 } : new DatasetWarning(line, message);
}
