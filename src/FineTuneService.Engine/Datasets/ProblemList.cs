namespace FineTuneService.Engine.Datasets;

/// <summary>
/// A file's problems. What is wrong with many rows is one problem with a count, and after <see cref="Most"/> bad rows nobody reads on:
/// neither the list nor the work grows with a bad file.
/// </summary>
internal sealed class ProblemList(string? file)
{
    /// <summary>Bad rows after which the rest of a file is not read.</summary>
    public const int Most = 200;

    /// <summary>A message may quote the file, or a template's own words.</summary>
    private const int LongestMessage = 600;

    private readonly Dictionary<string, DatasetProblem> _problems = [];
    private int _lastLine;

    /// <summary>Bad rows so far.</summary>
    public int Count { get; private set; }

    public bool IsFull => Count >= Most;

    /// <summary>In the order of the file.</summary>
    public IReadOnlyList<DatasetProblem> All => [.. _problems.Values.OrderBy(problem => problem.Line)];

    /// <param name="kind">What the same problem elsewhere has in common; its message, where that holds nothing of the row's own.</param>
    public void Add(DatasetProblem problem, string? kind = null)
    {
        Count++;
        _lastLine = Math.Max(_lastLine, problem.Line);
        var key = kind ?? problem.Message;
        if (!_problems.TryGetValue(key, out var known))
        {
            _problems[key] = problem with { File = file, Message = Clip.To(problem.Message, LongestMessage) };
            return;
        }
        // The items of an array may all stand on one line.
        var isNew = problem.Line > (known.MoreLines.Count > 0 ? known.MoreLines[^1] : known.Line);
        _problems[key] = known with { Count = known.Count + 1, MoreLines = isNew ? [.. known.MoreLines, problem.Line] : known.MoreLines };
    }

    /// <summary>Says that the rest of the file is unread.</summary>
    /// <param name="goodRows">Rows before it that are good.</param>
    public void SayStopped(int goodRows)
    {
        var whole = goodRows == 0 ? "no row up to here is good" : $"{Count} rows up to here are no good";
        var problem = new DatasetProblem(_lastLine, $"{whole}; the rest was not read.", Count: 0) { File = file };
        _problems[problem.Message] = problem;
    }
}
