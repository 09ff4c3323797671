using FineTuneService.Data;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace FineTuneService.Tests.Data;

/// <summary>A database of every earlier version, with a row in every table that it had.</summary>
public sealed class MigrationTests
{
    public static TheoryData<string> Versions
    {
        get
        {
            using FineTuneDbContext db = new DesignTime().CreateDbContext([]);
            return [.. db.Database.GetMigrations()];
        }
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public void Migrate_DatabaseOfEveryVersion_KeepsItsRowsAndOpens(string version)
    {
        using SqliteConnection connection = InMemory();
        using (FineTuneDbContext old = On(connection)) old.GetService<IMigrator>().Migrate(version);
        string[] tables = [.. Read(connection, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_\\_EF%' ESCAPE '\\'").Order()];
        foreach (string table in tables) Execute(connection, RowOf(connection, table));
        using FineTuneDbContext db = On(connection);
        Database.Migrate(db);
        Database.Migrate(db); // A second start has nothing to do.
        Assert.Empty(db.Database.GetPendingMigrations());
        foreach (string table in tables) Assert.Equal(["text"], Read(connection, $"SELECT \"Id\" FROM \"{table}\""));
        // Every column can be read by this version.
        Assert.Single(db.Jobs.IgnoreQueryFilters().ToList());
        Assert.Single(db.Checkpoints.IgnoreQueryFilters().ToList());
        Assert.Single(db.Adapters.IgnoreQueryFilters().ToList());
    }

    [Fact]
    public async Task Migrate_LockRowOfAKilledProcess_DoesNotWaitForIt()
    {
        using SqliteConnection connection = InMemory();
        using (FineTuneDbContext first = On(connection))
        {
            string[] versions = [.. first.Database.GetMigrations()];
            first.GetService<IMigrator>().Migrate(versions[^2]);
        }
        // What EF leaves where its process is killed within Migrate (efcore#38958): it would wait for it for ever.
        Execute(connection, "CREATE TABLE IF NOT EXISTS \"__EFMigrationsLock\" (\"Id\" INTEGER NOT NULL CONSTRAINT \"PK___EFMigrationsLock\" PRIMARY KEY, \"Timestamp\" TEXT NOT NULL)");
        Execute(connection, "INSERT OR REPLACE INTO \"__EFMigrationsLock\" VALUES (1, '2026-01-01')");
        using FineTuneDbContext db = On(connection);
        await Task.Run(() => Database.Migrate(db), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Empty(db.Database.GetPendingMigrations());
    }

    /// <summary>A row with a value in every column that must have one.</summary>
    private static string RowOf(SqliteConnection connection, string table)
    {
        string[] columns = [.. Read(connection, $"SELECT name || ' ' || type FROM pragma_table_info('{table}') WHERE \"notnull\" = 1 AND pk = 0")];
        IEnumerable<string> names = columns.Select(column => $"\"{column.Split(' ')[0]}\""), values = columns.Select(column => column.EndsWith(" TEXT", StringComparison.Ordinal) ? "'text'" : "1");
        return $"INSERT INTO \"{table}\" ({string.Join(", ", names)}) VALUES ({string.Join(", ", values)})";
    }

    private static SqliteConnection InMemory()
    {
        var connection = new SqliteConnection("DataSource=:memory:");
        connection.Open();
        return connection;
    }

    private static FineTuneDbContext On(SqliteConnection connection) => new(new DbContextOptionsBuilder<FineTuneDbContext>().UseSqlite(connection).Options, new CurrentTenant());

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static List<string> Read(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        using SqliteDataReader reader = command.ExecuteReader();
        var read = new List<string>();
        while (reader.Read()) read.Add(reader.GetString(0));
        return read;
    }
}
