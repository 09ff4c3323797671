namespace FineTuneService.Engine.Compute;

/// <summary>
/// One run's part of a <see cref="MemoryBudget"/>. What the run may come to need is set aside before it begins, so that it does not begin what
/// cannot end; what it then holds is taken of that first. On the device's thread only.
/// </summary>
public sealed class MemoryShare(MemoryBudget budget) : IDisposable
{
    private long _setAside;

    /// <summary>Its bytes count, and are never refused (<see cref="MemoryBudget.Take"/>).</summary>
    public bool MayExceed { get; init; }

    /// <summary>Bytes of tensors that the run holds.</summary>
    public long Held { get; private set; }

    /// <summary>Bytes of the budget that are the run's: what it holds, or what was set aside for it where that is more.</summary>
    public long Taken => Math.Max(Held, _setAside);

    /// <summary>Sets so many bytes aside, instead of what was before.</summary>
    /// <returns>False where there is no room; nothing changes then.</returns>
    public bool TrySetAside(long bytes) => TryChange(Held, bytes);

    /// <summary>What was set aside and is not held goes back: the run has shown what it needs.</summary>
    public void Settle() => TryChange(Held, 0);

    /// <returns>False where there is no room; nothing is taken then.</returns>
    public bool TryTake(long bytes) => TryChange(Held + bytes, _setAside);

    public void Give(long bytes) => TryChange(Held - bytes, _setAside);

    public void Dispose() => TryChange(0, 0);

    private bool TryChange(long held, long setAside)
    {
        long more = Math.Max(held, setAside) - Taken;
        if (more > 0 && MayExceed) budget.Take(more);
        else if (more > 0 && !budget.TryTake(more)) return false;
        if (more < 0) budget.Give(-more);
        (Held, _setAside) = (held, setAside);
        return true;
    }
}
