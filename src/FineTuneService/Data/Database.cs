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
        services.AddSingleton<DatabaseStart>();
        services.AddSingleton<JobEventWake>();
        return services.AddDbContext<FineTuneDbContext>((provider, options) =>
        {
            string directory = provider.GetRequiredService<IOptions<FineTuneOptions>>().Value.DataDirectory;
            Directory.CreateDirectory(directory);
            var connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, FileName), DefaultTimeout = 1 };
            options
                .UseSqlite(connection.ToString(), sqlite => sqlite.ExecutionStrategy(dependencies => new SqliteRetry(dependencies)))
                .AddInterceptors(provider.GetRequiredService<SynchronousFull>(), provider.GetRequiredService<JobEventWake>());
        });
    }

    /// <summary>Brings the schema up to date. What a kill in the middle of an earlier start left does not stop this one.</summary>
    public static void Migrate(FineTuneDbContext db)
    {
        db.Database.ExecuteSqlRaw("PRAGMA journal_mode = WAL");
        // The data directory's lock file says that nobody else migrates; a row that is left is a dead process's (efcore#38958).
        db.Database.ExecuteSqlRaw("DROP TABLE IF EXISTS __EFMigrationsLock");
        db.Database.Migrate();
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
