using System.Diagnostics;

namespace FineTuneService.Engine.Generation;

/// <summary>
/// Which rows the next forward takes. Reading prompts and decoding alternate, so neither stands still for the other; owners take turns
/// in reading, and a forward reads so many prompt tokens at most, whoever sends how many. Rows whose tokens take long to draw come one at a
/// time, and after each all others have the device for four times as long.
/// </summary>
/// <param name="maxRows">Rows that decode together.</param>
/// <param name="promptTokens">Prompt tokens of a forward, padding included.</param>
internal sealed class ForwardOrder(int maxRows, int promptTokens)
{
    private const int OthersShare = 4;

    private readonly Dictionary<string, long> _lastRead = [];
    private long _forwards, _slowFrom;
    private bool _read;

    public List<RowPart> Next(IReadOnlyList<GenerationRow> all)
    {
        IReadOnlyList<GenerationRow> active = Ready(all);
        GenerationRow[] reading = [.. active.Where(row => row.Unread > 0)], decoding = [.. active.Where(row => row.Unread == 0)];
        if (active.Count == 0) _lastRead.Clear();
        _read = reading.Length > 0 && (decoding.Length == 0 || !_read);
        _forwards++;
        List<RowPart> parts = _read ? Chunks(reading) : [.. decoding.OrderBy(row => row.LastForward).Take(maxRows).Select(row => new RowPart(row, 1))];
        foreach (RowPart part in parts)
        {
            part.Row.LastForward = _forwards;
            if (_read) _lastRead[part.Row.Request.Turn] = _forwards;
        }
        return parts;
    }

    /// <summary>A token of the row has been drawn.</summary>
    public void Drew(GenerationRow row)
    {
        if (row.IsSlow) _slowFrom = Stopwatch.GetTimestamp() + (long)(row.LastDraw.TotalSeconds * OthersShare * Stopwatch.Frequency);
    }

    private IReadOnlyList<GenerationRow> Ready(IReadOnlyList<GenerationRow> all)
    {
        if (all.Where(row => row.IsSlow).MinBy(row => row.LastForward) is not { } slow) return all;
        bool mayGo = Stopwatch.GetTimestamp() >= _slowFrom || all.All(row => row.IsSlow);
        return [.. all.Where(row => !row.IsSlow || (mayGo && row == slow))];
    }

    /// <summary>As much of the first row's prompt as may be, and of others what fits beside it.</summary>
    private List<RowPart> Chunks(GenerationRow[] reading)
    {
        var parts = new List<RowPart>();
        int width = 0;
        foreach (GenerationRow row in reading.OrderBy(row => _lastRead.GetValueOrDefault(row.Request.Turn)))
        {
            int count = Math.Min(row.Unread, promptTokens), wider = Math.Max(width, count);
            if (parts.Count > 0 && (parts.Count + 1) * wider > promptTokens) continue;
            parts.Add(new RowPart(row, count));
            width = wider;
        }
        return parts;
    }
}
