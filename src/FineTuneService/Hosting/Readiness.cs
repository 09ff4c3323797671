using FineTuneService.Data;
using FineTuneService.Device;
using Microsoft.Data.Sqlite;

namespace FineTuneService.Hosting;

/// <summary>
/// Tries what work needs: the database is read and written, the data directory takes a file, and the device's thread shows signs of life. One try
/// serves every caller of a second, so that probes cost nothing, and each part has its own limit, so that one that hangs is seen.
/// </summary>
internal sealed class Readiness(DataDirectory directory, DeviceLease lease, TimeProvider clock, ILogger<Readiness> log)
{
    private const int ProbeBytes = 64 * 1024;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1), StorageLimit = TimeSpan.FromSeconds(5);

    private readonly Lock _turn = new();
    private Task<string?> _try = Task.FromResult<string?>(null), _storage = Task.FromResult<string?>(null);
    private string? _said;
    private long? _tried;

    /// <summary>Why the service cannot take work, or null.</summary>
    public Task<string?> Problem()
    {
        lock (_turn)
        {
            if (_tried is { } before && (!_try.IsCompleted || clock.GetElapsedTime(before) < Fresh)) return _try;
            _tried = clock.GetTimestamp();
            return _try = Task.Run(Try);
        }
    }

    private async Task<string?> Try()
    {
        string? problem = Device() ?? await Storage();
        if (problem is not null && _said is null) log.LogWarning("Not ready: {Problem}", problem);
        if (problem is null && _said is not null) log.LogInformation("Ready again");
        return _said = problem;
    }

    private string? Device() => lease.Stuck is { } hold
        ? $"The device's thread has not come back from '{hold.Holder}' for {hold.For.TotalSeconds:0} seconds; restart the service if it stays so." : null;

    private async Task<string?> Storage()
    {
        if (_storage.IsCompleted) _storage = Task.Run(TryStorage);
        return await Task.WhenAny(_storage, Task.Delay(StorageLimit)) == _storage
            ? await _storage : $"The disk or database has not answered for {StorageLimit.TotalSeconds:0} seconds.";
    }

    private string? TryStorage()
    {
        try
        {
            TryDirectory();
            return TryDatabase() ? null : "The database's tables are gone; restore it from a backup, and restart the service.";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SqliteException)
        {
            return StorageFaults.Of(failure) switch
            {
                StorageFault.Full => "The disk that holds FineTune:DataDirectory is full; free some space.",
                StorageFault.Busy => "Another process holds the database; wait for it, or end it.",
                StorageFault.Damaged => "The database is damaged; restore it from a backup.",
                _ => $"FineTune:DataDirectory cannot be read and written: {failure.Message}",
            };
        }
    }

    private void TryDirectory()
    {
        string path = Path.Combine(directory.Temporary, "readiness");
        try
        {
            using FileStream file = File.Create(path);
            file.Write(new byte[ProbeBytes]);
            file.Flush(flushToDisk: true);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The newest row of every table, over its primary key and its index; and a transaction that changes the file.</summary>
    /// <returns>False where there is no table: somebody has removed the file, and SQLite has made an empty one.</returns>
    private bool TryDatabase()
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory.Root, Database.FileName), DefaultTimeout = 1 }.ToString());
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        var tables = new List<string>();
        command.CommandText = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_EF%' ESCAPE '\\'";
        using (SqliteDataReader found = command.ExecuteReader())
        {
            while (found.Read()) tables.Add(found.GetString(0));
        }
        foreach (string table in tables)
        {
            command.CommandText = $"SELECT (SELECT \"Id\" FROM \"{table}\" ORDER BY rowid DESC LIMIT 1), (SELECT MAX(\"Id\") FROM \"{table}\")";
            command.ExecuteScalar();
        }
        if (tables.Count == 0) return false;
        // The header has a number for the application's own use: writing it is the smallest write there is.
        command.CommandText = $"BEGIN IMMEDIATE; PRAGMA user_version = {Environment.TickCount & 0xFFFF}; COMMIT";
        command.ExecuteNonQuery();
        return true;
    }
}
