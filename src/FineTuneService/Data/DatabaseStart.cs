using FineTuneService.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>Opens the database at start: waits for another process that holds it, and says what to do where it cannot be used.</summary>
internal sealed class DatabaseStart(IServiceScopeFactory scopes, DataDirectory directory, IOptions<FineTuneOptions> options, TimeProvider clock, ILogger<DatabaseStart> log)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.25);
    private readonly string _path = Path.Combine(directory.Root, Database.FileName);

    /// <param name="prepare">Brings the schema and the service's own rows up to date.</param>
    /// <exception cref="StartException">It cannot be used.</exception>
    public void Open(Action<FineTuneDbContext> prepare)
    {
        TimeSpan patience = TimeSpan.FromSeconds(options.Value.DatabaseWaitSeconds);
        long began = clock.GetTimestamp();
        for (bool said = false; ; Thread.Sleep(Pause))
        {
            try
            {
                Check();
                using AsyncServiceScope scope = scopes.SystemScope(out FineTuneDbContext db);
                prepare(db);
                return;
            }
            catch (Exception failure) when (StorageFaults.Of(failure) is { } fault)
            {
                if (fault != StorageFault.Busy) throw new StartException(Explain(fault, failure));
                if (clock.GetElapsedTime(began) >= patience)
                    throw new StartException($"Another process has held the database {_path} for {patience.TotalSeconds:0} seconds (FineTune:DatabaseWaitSeconds); end it (a backup, sqlite3), and start again.");
                if (!said) log.LogWarning("Another process holds the database {Path}; waiting up to {Seconds} seconds for it", _path, patience.TotalSeconds);
                said = true;
            }
        }
    }

    /// <summary>Reads every page, as a damaged one would otherwise be met by a customer's call; and begins a write, which waits for no one.</summary>
    private void Check()
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = _path, DefaultTimeout = 1, Pooling = false }.ToString());
        connection.Open();
        using SqliteCommand check = connection.CreateCommand();
        check.CommandText = "PRAGMA quick_check(1)";
        if (check.ExecuteScalar() as string is not "ok") throw new StartException(Damaged);
        check.CommandText = "BEGIN IMMEDIATE; ROLLBACK";
        check.ExecuteNonQuery();
    }

    private string Damaged =>
        $"The database {_path} is damaged; restore it from a backup, or set FineTune:DataDirectory to another folder. Nothing was changed.";

    private string Explain(StorageFault fault, Exception failure) => fault switch
    {
        StorageFault.Damaged => Damaged,
        StorageFault.Full => $"The disk that holds {directory.Root} is full; free some space, or set FineTune:DataDirectory to a folder elsewhere.",
        _ => $"The database {_path} cannot be opened for writing ({failure.GetBaseException().Message.TrimEnd('.')}); mend that, or set FineTune:DataDirectory to another folder.",
    };
}
