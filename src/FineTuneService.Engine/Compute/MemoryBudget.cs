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

    /// <summary>Takes them whether there is room or not, for what is under way and must not end for want of them: what nobody uses is let go, and until enough
    /// has gone nothing else is taken.</summary>
    public void Take(long bytes)
    {
        if (!TryTake(bytes)) Taken += bytes;
    }

    public void Give(long bytes) => Taken -= bytes;
}
