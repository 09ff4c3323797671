using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Data;

/// <summary>
/// Writers of one database in this process, one after the other as they came. SQLite has no queue: whoever asks at the right moment is next,
/// and of a hundred that ask again and again some never would be (they got 503 before this). Beside them there are only statements of their own.
/// </summary>
internal static class WriterTurns
{
    /// <summary>Where the database is held by another process, those behind are told so after this, and not after all before them gave up.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);

    private static readonly ConcurrentDictionary<string, SemaphoreSlim> s_turns = new();

    /// <summary>Waits for the turn, which lasts until what is returned is disposed.</summary>
    /// <exception cref="StorageException">Others have been writing for too long.</exception>
    public static async Task<IDisposable> Enter(DbContext db)
    {
        SemaphoreSlim turn = s_turns.GetOrAdd(db.Database.GetConnectionString() ?? "", _ => new SemaphoreSlim(1, 1));
        return await turn.WaitAsync(Longest) ? new Turn(turn) : throw new StorageException(StorageFault.Busy, $"Others have been writing to the database for {Longest.TotalSeconds:0} seconds.");
    }

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
