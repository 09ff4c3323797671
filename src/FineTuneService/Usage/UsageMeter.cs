namespace FineTuneService.Usage;

/// <summary>Whose use of what is counted together.</summary>
internal readonly record struct UsageKey(string Tenant, string Day, string Model, string Key);

/// <summary>What was served.</summary>
internal readonly record struct Served(long Requests, long PromptTokens, long CompletionTokens)
{
    public static Served operator +(Served one, Served other) =>
        new(one.Requests + other.Requests, one.PromptTokens + other.PromptTokens, one.CompletionTokens + other.CompletionTokens);
}

/// <summary>
/// Counts what answers take, in memory: an answer's end may be on the device's thread, which waits for no disk. <see cref="UsageWriter"/> takes
/// what has come together.
/// </summary>
internal sealed class UsageMeter(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private Dictionary<UsageKey, Served> _counts = [];

    /// <summary>An answer has ended, whole or not.</summary>
    /// <param name="model">By its own name.</param>
    /// <param name="key">The id of the key that it was asked with.</param>
    public void Add(string tenant, string model, string key, long promptTokens, long completionTokens) =>
        Add(new UsageKey(tenant, Days.Of(clock.GetUtcNow()), model, key), new Served(1, promptTokens, completionTokens));

    /// <summary>What was counted since the last time.</summary>
    public IReadOnlyDictionary<UsageKey, Served> Take()
    {
        lock (_gate)
        {
            Dictionary<UsageKey, Served> taken = _counts;
            if (taken.Count > 0) _counts = [];
            return taken;
        }
    }

    /// <summary>They could not be written, and are counted with those that come.</summary>
    public void GiveBack(IReadOnlyDictionary<UsageKey, Served> taken)
    {
        foreach ((UsageKey key, Served counts) in taken) Add(key, counts);
    }

    private void Add(UsageKey key, Served counts)
    {
        lock (_gate) _counts[key] = _counts.GetValueOrDefault(key) + counts;
    }
}
