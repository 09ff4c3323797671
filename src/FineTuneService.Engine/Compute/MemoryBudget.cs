namespace FineTuneService.Engine.Compute;

/// <summary>Bytes of a device's memory that may be held, and those that are. What is not in use is let go before anything is refused.
/// On the device's thread only.</summary>
public sealed class MemoryBudget(long limit)
{
    public long Limit => limit;

    public long Taken { get; private set; }

    /// <summary>Called with the bytes that are short: lets go of what nobody uses, by <see cref="Give"/>.</summary>
    public Action<long>? WhenShort { get; set; }

    /// <returns>False where there is no room; nothing is taken then.</returns>
    public bool TryTake(long bytes)
    {
        if (Taken + bytes > limit) WhenShort?.Invoke(Taken + bytes - limit);
        if (Taken + bytes > limit) return false;
        Taken += bytes;
        return true;
    }

    public void Give(long bytes) => Taken -= bytes;
}
