using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;

namespace FineTuneService.Data;

/// <summary>
/// Writers of one database in this process, one after the other as they came. SQLite has no queue: whoever asks at the right moment is next,
/// and of a hundred that ask again and again some never would be (they got 503 before this). Statements of their own have theirs in <see cref="StatementTurns"/>.
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
        SemaphoreSlim turn = Of(db);
        return Entered(turn, await turn.WaitAsync(Longest));
    }

    /// <summary><see cref="Enter"/> for a caller that has a thread to wait on.</summary>
    public static IDisposable EnterNow(DbContext db)
    {
        SemaphoreSlim turn = Of(db);
        return Entered(turn, turn.Wait(Longest));
    }

    private static SemaphoreSlim Of(DbContext db) => s_turns.GetOrAdd(db.Database.GetConnectionString() ?? "", _ => new SemaphoreSlim(1, 1));

    private static Turn Entered(SemaphoreSlim turn, bool inTime) =>
        inTime ? new Turn(turn) : throw new StorageException(StorageFault.Busy, $"Others have been writing to the database for {Longest.TotalSeconds:0} seconds.");

    private sealed class Turn(SemaphoreSlim turn) : IDisposable
    {
        public void Dispose() => turn.Release();
    }
}
