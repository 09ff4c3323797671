namespace FineTuneService.Usage;

/// <summary>Whose use of what is counted together.</summary>
internal readonly record struct UsageKey(string Tenant, string Day, string Model, string Key);

/// <summary>What was served, and what evaluations took.</summary>
internal readonly record struct Served(long Requests, long PromptTokens, long CompletionTokens, long EvaluatedTokens = 0)
{
    public static Served operator +(Served one, Served other) =>
        new(one.Requests + other.Requests, one.PromptTokens + other.PromptTokens, one.CompletionTokens + other.CompletionTokens, one.EvaluatedTokens + other.EvaluatedTokens);
}

/// <summary>What was counted since it was last taken.</summary>
/// <param name="LastUsed">Of adapters, by their ids, in unix seconds.</param>
internal sealed record Counted(IReadOnlyDictionary<UsageKey, Served> Counts, IReadOnlyDictionary<string, long> LastUsed)
{
    public bool IsEmpty => Counts.Count == 0;
}

/// <summary>
/// Counts what answers take, in memory: an answer's end may be on the device's thread, which waits for no disk. <see cref="UsageWriter"/> takes
/// what has come together.
/// </summary>
internal sealed class UsageMeter(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private Dictionary<UsageKey, Served> _counts = [];
    private Dictionary<string, long> _lastUsed = [];

    /// <summary>What was taken last, which may not be written yet.</summary>
    private IReadOnlyDictionary<string, long> _taken = new Dictionary<string, long>();

    /// <summary>An answer has ended, whole or not.</summary>
    /// <param name="model">By its own name.</param>
    /// <param name="key">The id of the key that it was asked with.</param>
    /// <param name="adapterId">Null where no adapter answered.</param>
    public void Add(string tenant, string model, string key, long promptTokens, long completionTokens, string? adapterId = null) =>
        Add(tenant, model, key, new Served(1, promptTokens, completionTokens), adapterId);

    /// <summary>A batch of an evaluation has gone through the model.</summary>
    /// <param name="tokens">Read, and written where it answered.</param>
    public void AddEvaluated(string tenant, string model, string key, long tokens, string? adapterId) => Add(tenant, model, key, new Served(0, 0, 0, tokens), adapterId);

    private void Add(string tenant, string model, string key, Served served, string? adapterId)
    {
        DateTimeOffset now = clock.GetUtcNow();
        lock (_gate)
        {
            Add(new UsageKey(tenant, Days.Of(now), model, key), served);
            if (adapterId is not null) _lastUsed[adapterId] = now.ToUnixTimeSeconds();
        }
    }

    /// <summary>When an adapter was last used, where that may not be written yet.</summary>
    public long? LastUsed(string adapterId)
    {
        lock (_gate) return _lastUsed.TryGetValue(adapterId, out long at) || _taken.TryGetValue(adapterId, out at) ? at : null;
    }

    /// <summary>What was counted since the last time.</summary>
    public Counted Take()
    {
        lock (_gate)
        {
            var taken = new Counted(_counts, _lastUsed);
            if (!taken.IsEmpty) (_counts, _lastUsed, _taken) = ([], [], taken.LastUsed);
            return taken;
        }
    }

    /// <summary>It could not be written, and is counted with what comes.</summary>
    public void GiveBack(Counted taken)
    {
        lock (_gate)
        {
            foreach ((UsageKey key, Served counts) in taken.Counts) Add(key, counts);
            foreach ((string adapter, long at) in taken.LastUsed) _lastUsed.TryAdd(adapter, at);
        }
    }

    private void Add(UsageKey key, Served counts) => _counts[key] = _counts.GetValueOrDefault(key) + counts;
}
