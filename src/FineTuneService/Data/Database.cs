using FineTuneService.Files;
using FineTuneService.FineTuningJobs;
using FineTuneService.Hosting;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;

namespace FineTuneService.Data;

/// <summary>The SQLite database in the data directory: write-ahead log, every commit on disk before it is acknowledged.</summary>
internal static class Database
{
    public const string FileName = "finetune.db";

    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.AddScoped<CurrentTenant>();
        services.AddSingleton<SynchronousFull>();
        services.AddSingleton<DiskSpace>();
        services.AddSingleton<FullDatabase>();
        services.AddSingleton<StatementTurns>();
        services.AddSingleton<IncomingBytes>();
        services.AddScoped<StoredBytes>();
        services.AddScoped<FileStore>();
        services.AddSingleton<DatabaseStart>();
        services.AddSingleton<JobEventWake>();
        return services.AddDbContext<FineTuneDbContext>((provider, options) =>
        {
            var disk = provider.GetRequiredService<DiskSpace>();
            string directory = provider.GetRequiredService<IOptions<FineTuneOptions>>().Value.DataDirectory;
            Directory.CreateDirectory(directory);
            // A negative timeout has run out before it begins: SQLite's client would otherwise sleep on the request's thread, and SqliteRetry
            // waits without one.
            var connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, FileName), DefaultTimeout = -1 };
            options
                .UseSqlite(connection.ToString(), sqlite => sqlite.ExecutionStrategy(dependencies => new SqliteRetry(dependencies, disk)))
                .AddInterceptors(provider.GetRequiredService<SynchronousFull>(), provider.GetRequiredService<FullDatabase>(), provider.GetRequiredService<StatementTurns>(), provider.GetRequiredService<JobEventWake>())
                // One try of many says nothing; what fails in the end is logged by whoever asked.
                .ConfigureWarnings(warnings => warnings.Log((RelationalEventId.CommandError, LogLevel.Debug)));
        });
    }

    /// <summary>Brings the schema up to date. What a kill in the middle of an earlier start left does not stop this one.</summary>
    public static void Migrate(FineTuneDbContext db)
    {
        db.Database.ExecuteSqlRaw("PRAGMA journal_mode = WAL");
        // The data directory's lock file says that nobody else migrates; a row that is left is a dead process's (efcore#38958).
        db.Database.ExecuteSqlRaw("DROP TABLE IF EXISTS __EFMigrationsLock");
        // Even with nothing to do, Migrate writes its lock: a start on a full disk must not need that.
        if (db.Database.GetPendingMigrations().Any()) db.Database.Migrate();
    }

    /// <summary>A scope that sees every tenant's rows.</summary>
    public static AsyncServiceScope SystemScope(this IServiceScopeFactory scopes, out FineTuneDbContext db)
    {
        AsyncServiceScope scope = scopes.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<CurrentTenant>().BecomeSystem();
        db = scope.ServiceProvider.GetRequiredService<FineTuneDbContext>();
        return scope;
    }

    private sealed class SynchronousFull : DbConnectionInterceptor
    {
        public override void ConnectionOpened(System.Data.Common.DbConnection connection, ConnectionEndEventData eventData)
        {
            using System.Data.Common.DbCommand command = connection.CreateCommand();
            command.CommandText = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON";
            command.ExecuteNonQuery();
        }

        public override Task ConnectionOpenedAsync(System.Data.Common.DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            ConnectionOpened(connection, eventData);
            return Task.CompletedTask;
        }
    }
}
