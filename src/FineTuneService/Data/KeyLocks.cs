namespace FineTuneService.Data;

/// <summary>A lock for each key: whoever comes second waits, without a thread. A key that nobody holds takes no memory.</summary>
internal sealed class KeyLocks
{
    private readonly Dictionary<string, Turn> _turns = [];

    /// <summary>Waits for the key; disposing what is returned lets the next one in.</summary>
    public async Task<IDisposable> Enter(string key, CancellationToken cancel = default)
    {
        Turn turn;
        lock (_turns)
        {
            if (!_turns.TryGetValue(key, out Turn? there)) _turns[key] = there = new Turn();
            turn = there;
            turn.Users++;
        }
        try
        {
            await turn.Gate.WaitAsync(cancel);
        }
        catch
        {
            Leave(key, turn);
            throw;
        }
        return new Hold(this, key, turn);
    }

    private void Leave(string key, Turn turn)
    {
        lock (_turns)
        {
            if (--turn.Users == 0) _turns.Remove(key);
        }
    }

    private sealed class Turn
    {
        public SemaphoreSlim Gate { get; } = new(1);
        public int Users { get; set; }
    }

    private sealed class Hold(KeyLocks locks, string key, Turn turn) : IDisposable
    {
        public void Dispose()
        {
            turn.Gate.Release();
            locks.Leave(key, turn);
        }
    }
}
