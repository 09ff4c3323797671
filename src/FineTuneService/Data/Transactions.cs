namespace FineTuneService.Data;

internal static class Transactions
{
    /// <summary>
    /// Reads and writes that belong together. SQLite begins it as a writer, so nobody writes between what is read and what is written;
    /// where another writer is at it, the whole is tried again.
    /// </summary>
    public static async Task<T> InTransaction<T>(this FineTuneDbContext db, Func<Task<T>> work)
    {
        using IDisposable turn = await WriterTurns.Enter(db);
        return await SqliteRetry.Pipeline.ExecuteAsync(async _ =>
        {
            db.ChangeTracker.Clear();
            await using var transaction = await db.Database.BeginTransactionAsync();
            T result = await work();
            await transaction.CommitAsync();
            return result;
        });
    }
}
